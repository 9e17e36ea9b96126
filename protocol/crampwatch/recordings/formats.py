"""The table of file formats. A new format is a folder of its own and one line here."""

from crampwatch.recordings.edf.format import EdfFormat
from crampwatch.recordings.format import Format
from crampwatch.recordings.npz.format import NpzFormat
from crampwatch.recordings.parquet.format import ParquetFormat
from crampwatch.recordings.session.format import SessionFormat
from crampwatch.recordings.text.format import TextFormat
from crampwatch.recordings.wfdb.format import WfdbFormat

__all__ = ["FORMATS", "register", "writable_suffixes"]

FORMATS: list[Format] = [
    EdfFormat(),
    NpzFormat(),
    WfdbFormat(),
    ParquetFormat(),
    SessionFormat(),
    TextFormat(),  # last: almost anything printable could be a table
]
"""The first format whose `sniff` accepts a file reads it; the first that lists a file's ending writes it."""


def register(file_format: Format) -> None:
    """Add a format ahead of all others, replacing one of the same name."""
    FORMATS[:] = [file_format, *(other for other in FORMATS if other.name != file_format.name)]


def writable_suffixes() -> dict[str, Format]:
    """Return every file name ending that can be written, such as ``.edf``, and the format that writes it."""
    # In reverse, so that of two formats with one ending the first in the table wins.
    return {suffix: file_format for file_format in reversed(FORMATS) for suffix in file_format.suffixes}
