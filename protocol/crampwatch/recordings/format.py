"""What a file format must offer, and what its reader is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crampwatch.recordings.recording import Recording

__all__ = ["HEAD_OCTETS", "Format", "ReadOptions"]

HEAD_OCTETS = 65_536
"""As much of a file as `Format.sniff` sees."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file; None leaves it to the file.

    Attributes:
        channels: Labels, or numbers from 1.
        rate_hz: Samples a second; wins over the file.
        scale_uv: Microvolts per unit of the file; wins over the file.
        column: Columns of a table, counted from 1.
    """

    channels: Sequence[str | int] | None = None
    rate_hz: float | None = None
    scale_uv: float | None = None
    column: Sequence[int] | None = None


class Format(Protocol):
    """A kind of file that can be read as a recording."""

    @property
    def name(self) -> str:
        """What people call it."""

    def sniff(self, head: bytes, path: Path) -> bool:
        """Tell whether a file is of this kind, by its first `HEAD_OCTETS`; never raises."""

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open a file that `sniff` accepted.

        Raises:
            RecordingError: It is damaged beyond use.
            ConfigurationError: The options do not fit it.
        """
