"""The interface of a file format, and the options its reader and writer are given.

A format is a folder beside this module with three files:

- ``format.py``: a subclass of `Format` that says how to recognise a file and calls the other two;
- ``reader.py``: from a path and `ReadOptions` to a `Recording`;
- ``writer.py``: from a `Recording` and `WriteOptions` to an open file; absent where the format is only read.

It becomes available to every command and to the page by one line in `crampwatch.recordings.formats`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.recording import Recording

__all__ = ["HEAD_BYTES", "Format", "Progress", "ReadOptions", "WriteOptions"]

HEAD_BYTES = 65_536
"""How much of a file `Format.sniff` is given: room for the comments and column names of any text table met so far."""

Progress = Callable[[int, int], None]
"""Called now and then while writing, with the number of samples written and the total."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file; None leaves it to the file.

    Attributes:
        channels: Labels, or numbers from 1.
        rate_hz: Overrides the sampling rate the file states.
        scale_uv: Microvolts per unit of the file; overrides the unit it states.
        column: Columns of a table, counted from 1.
        sensor: Id of the sensor, for files that hold several.
    """

    channels: Sequence[str | int] | None = None
    rate_hz: float | None = None
    scale_uv: float | None = None
    column: Sequence[int] | None = None
    sensor: str | None = None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write a recording.

    Attributes:
        suffix: One of the format's `suffixes`, for formats that write several kinds of file.
        annotations: In order of onset; always empty for formats with `holds_annotations` unset.
        progress: None for no reports.
    """

    suffix: str
    annotations: Sequence[Annotation] = ()
    progress: Progress | None = None


class Format:
    """A file format: recognises its files, reads them and, if it has `suffixes`, writes them.

    Subclasses set `name` and override `sniff` and `read`, `write`, or all three.
    """

    name: str
    """Unique; `register` replaces a format of the same name."""
    description: str = ""
    """How error messages list it among the readable formats; empty for a format that is only written."""
    suffixes: tuple[str, ...] = ()
    """File name endings that select it for writing, in lower case; empty for a format that is only read."""
    holds_annotations: bool = False
    """Whether annotations are written into the file itself; otherwise they go into a CSV file beside it."""

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether a file is of this format, judging by its first `HEAD_BYTES`; must not raise."""
        return False

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open a file that `sniff` accepted.

        Raises:
            RecordingError: It is damaged beyond use.
            ConfigurationError: The options do not fit it.
        """
        raise NotImplementedError(f"{self.name} is not read")

    def write(self, file: BinaryIO, recording: Recording, options: WriteOptions) -> None:
        """Write a recording from the present position of `file` on.

        Raises:
            RecordingError: The recording is empty, or cannot be read to its end.
            ConfigurationError: The format cannot hold it, or a package that writes it is not installed.
        """
        raise NotImplementedError(f"{self.name} is not written")
