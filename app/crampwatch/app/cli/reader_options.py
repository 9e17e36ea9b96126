"""What a user says of a recording that does not tell everything itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reading one loads numpy: a run only passes the options on
    from crampwatch.recordings import Recording

__all__ = ["ReaderOptions"]


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """How to read a file that does not tell everything: as `recordings.read` takes it."""

    channels: Sequence[str | int] | None = None
    rate_hz: float | None = None
    scale_uv: float | None = None
    column: Sequence[int] | None = None

    @property
    def given(self) -> bool:
        """Whether anything was said."""
        return any(one is not None for one in (self.channels, self.rate_hz, self.scale_uv, self.column))

    def arguments(self) -> tuple[str, ...]:
        """Return the flags that say the same."""
        said = {
            "--channels": self.channels and ",".join(str(one) for one in self.channels),
            "--rate-hz": self.rate_hz,
            "--scale": self.scale_uv,
            "--column": self.column and ",".join(str(one) for one in self.column),
        }
        return tuple(str(part) for flag, value in said.items() if value is not None for part in (flag, value))

    def read(self, path: Path) -> "Recording":
        """Open a recording; raises as :func:`crampwatch.recordings.read` does."""
        from crampwatch import recordings

        return recordings.read(
            path, channels=self.channels, rate_hz=self.rate_hz, scale_uv=self.scale_uv, column=self.column
        )
