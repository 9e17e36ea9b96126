"""Text tables (CSV, TSV, TXT), one sample per line."""

from pathlib import Path
from typing import BinaryIO

from crampwatch.recordings.format import Format, ReadOptions, WriteOptions
from crampwatch.recordings.recording import Recording
from crampwatch.recordings.text.lines import is_text
from crampwatch.recordings.text.reader import read_text
from crampwatch.recordings.text.writer import write_csv

__all__ = ["TextFormat"]


class TextFormat(Format):
    """Reads tables of numbers with any common separator, header and decimal sign; writes CSV."""

    name = "text"
    description = "text tables"
    suffixes = (".csv",)

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002 - the content decides
        """Accept whatever is printable."""
        return is_text(head)

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open a table; see `read_text`."""
        return read_text(path, options)

    def write(self, file: BinaryIO, recording: Recording, options: WriteOptions) -> None:
        """Write comma-separated values; see `write_csv`."""
        write_csv(file, recording, progress=options.progress)
