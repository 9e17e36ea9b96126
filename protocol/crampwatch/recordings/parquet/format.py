"""Parquet, for data frames. It is written, not read."""

from typing import BinaryIO

from crampwatch.recordings.format import Format, WriteOptions
from crampwatch.recordings.parquet.writer import write_parquet
from crampwatch.recordings.recording import Recording

__all__ = ["ParquetFormat"]


class ParquetFormat(Format):
    """Parquet files; pyarrow writes them and is imported only then (docs/decisions/0019)."""

    name = "Parquet"
    suffixes = (".parquet",)
    holds_annotations = True

    def write(self, file: BinaryIO, recording: Recording, options: WriteOptions) -> None:
        """Write one row per sample; see `write_parquet`."""
        write_parquet(file, recording, annotations=options.annotations, progress=options.progress)
