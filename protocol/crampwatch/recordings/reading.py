"""Opening a recording of any known format: by its content first, its name second."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.edf.reader import EdfFormat
from crampwatch.recordings.format import HEAD_OCTETS, Format, ReadOptions
from crampwatch.recordings.limits import check_options
from crampwatch.recordings.npz.reader import NpzFormat
from crampwatch.recordings.recording import Recording
from crampwatch.recordings.text.reader import TextFormat
from crampwatch.recordings.wfdb.reader import WfdbFormat

__all__ = ["FORMATS", "read", "register"]

FORMATS: list[Format] = [EdfFormat(), NpzFormat(), WfdbFormat(), TextFormat()]
"""Asked in this order; text is last, since almost anything printable could be a table."""

_FOREIGN = {
    b"\x89HDF": "an HDF5 file",
    b"MATLAB": "a MATLAB file",
    b"\x93NUMPY": "a bare NumPy array",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"RIFF": "a sound file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"SQLite format 3\x00": "a database",
}
_KNOWN = "EDF, EDF+, BDF, BDF+, WFDB, NumPy .npz, text tables and our own session files"


def register(file_format: Format) -> None:
    """Add a format that is asked before all others; one of the same name is replaced."""
    FORMATS[:] = [file_format, *(known for known in FORMATS if known.name != file_format.name)]


def read(
    path: str | os.PathLike[str],
    *,
    channels: Sequence[str | int] | None = None,
    rate_hz: float | None = None,
    scale_uv: float | None = None,
    column: Sequence[int] | None = None,
) -> Recording:
    """Open a recording.

    Args:
        path: The file; for WFDB the header or the signal file.
        channels: Labels, or numbers from 1; None chooses what looks like EMG.
        rate_hz: Samples a second, where the file does not tell or is wrong.
        scale_uv: Microvolts per unit of the file, where it does not tell or is wrong.
        column: Columns of a text table, counted from 1.

    Raises:
        RecordingError: The file is missing, unreadable, damaged, empty or of no known format.
        ConfigurationError: The options make no sense or do not fit the file.
    """
    check_options(rate_hz=rate_hz, scale_uv=scale_uv)
    options = ReadOptions(channels=channels, rate_hz=rate_hz, scale_uv=scale_uv, column=column)
    target = Path(path)
    try:
        head = _head(target)
        return _format_of(head, target).read(target, options)
    except OSError as error:
        raise _unreadable(target, error) from error


def _head(path: Path) -> bytes:
    try:
        file = path.open("rb")
    except ValueError as error:  # a name no file can have, such as one with a null character
        raise _unreadable(path, error) from error
    with file:
        head = file.read(HEAD_OCTETS)
    if not head:
        raise RecordingError(f"{path} is empty.", advice="Check that the recording was completed and copied whole.")
    return head


def _format_of(head: bytes, path: Path) -> Format:
    for file_format in FORMATS:
        if file_format.sniff(head, path):
            return file_format
    foreign = next((kind for start, kind in _FOREIGN.items() if head.startswith(start)), None)
    met = foreign or "neither text nor any known recording"
    hint = f", whatever its name {path.suffix} says" if path.suffix else ""
    raise RecordingError(
        f"{path} is {met}{hint}; known are {_KNOWN}.",
        advice="Export the recording as EDF or CSV from the program that made it. "
        "A WFDB signal file is read with its header (.hea) beside it.",
    )


def _unreadable(path: Path, error: OSError | ValueError) -> RecordingError:
    number = error.errno if isinstance(error, OSError) else None
    reasons = {
        errno.ENOENT: ("does not exist", "Check the spelling and the folder."),
        errno.EISDIR: ("is a folder, not a recording", "Name a file in it."),
        errno.EACCES: ("may not be read", "Ask its owner for permission, or copy it."),
    }
    reason, advice = reasons.get(number or 0, (f"cannot be read: {error}", "Check the path and the disk."))
    return RecordingError(f"{str(path)!r} {reason}.", advice=advice)
