"""NumPy archives (.npz): a recording in one line of Python."""

from pathlib import Path
from typing import BinaryIO

from crampwatch.recordings.format import Format, ReadOptions, WriteOptions
from crampwatch.recordings.npz.reader import is_npz, read_npz
from crampwatch.recordings.npz.writer import write_npz
from crampwatch.recordings.recording import Recording

__all__ = ["NpzFormat"]


class NpzFormat(Format):
    """NumPy `.npz` archives; pickled objects in them are refused, so nothing in a file is ever executed."""

    name = "npz"
    description = "NumPy .npz"
    suffixes = (".npz",)

    def sniff(self, head: bytes, path: Path) -> bool:
        """Recognise a zip archive whose first member is an array, or whose name says so."""
        return is_npz(head, path)

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open an archive; see `read_npz`."""
        return read_npz(path, options)

    def write(self, file: BinaryIO, recording: Recording, options: WriteOptions) -> None:
        """Write an uncompressed archive; see `write_npz`."""
        write_npz(file, recording, progress=options.progress)
