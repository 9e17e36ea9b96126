"""EDF, EDF+, BDF and BDF+: the formats of sleep laboratories."""

from pathlib import Path
from typing import BinaryIO

from crampwatch.recordings.edf.header import is_edf
from crampwatch.recordings.edf.reader import read_edf
from crampwatch.recordings.edf.writer import write_edf
from crampwatch.recordings.format import Format, ReadOptions, WriteOptions
from crampwatch.recordings.recording import Recording

__all__ = ["EdfFormat"]


class EdfFormat(Format):
    """Reads EDF, EDF+, BDF and BDF+, continuous or not; writes EDF+C and BDF+C."""

    name = "EDF"
    description = "EDF, EDF+, BDF, BDF+"
    suffixes = (".edf", ".bdf")
    holds_annotations = True

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002 - the content decides
        """Recognise the version field and the length of the header."""
        return is_edf(head)

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open a file; see `read_edf`."""
        return read_edf(path, options)

    def write(self, file: BinaryIO, recording: Recording, options: WriteOptions) -> None:
        """Write EDF+C, or BDF+C for the suffix ``.bdf``; see `write_edf`."""
        is_bdf = options.suffix == ".bdf"
        write_edf(file, recording, is_bdf=is_bdf, annotations=options.annotations, progress=options.progress)
