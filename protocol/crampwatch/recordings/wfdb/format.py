"""WFDB records, as PhysioNet publishes them. They are read, not written."""

from pathlib import Path

from crampwatch.recordings.format import Format, ReadOptions
from crampwatch.recordings.recording import Recording
from crampwatch.recordings.wfdb.header import is_header
from crampwatch.recordings.wfdb.reader import read_wfdb

__all__ = ["WfdbFormat"]


class WfdbFormat(Format):
    """WFDB records of one segment, named by their header (.hea) or by a signal file (.dat) beside it."""

    name = "WFDB"
    description = "WFDB"

    def sniff(self, head: bytes, path: Path) -> bool:
        """Recognise the first lines of a header, or a signal file that has a header beside it."""
        if path.suffix.lower() == ".hea":
            return b"\x00" not in head
        return is_header(head) or (path.suffix.lower() == ".dat" and path.with_suffix(".hea").is_file())

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open a record; see `read_wfdb`."""
        return read_wfdb(path, options)
