"""How to read a recording whose file does not state everything: the flags --channels, --rate-hz, --scale, --column."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crampwatch.protocol.errors import ConfigurationError

if TYPE_CHECKING:  # loads numpy, which a command that only passes the options on does not need
    from crampwatch.recordings import Recording

__all__ = ["ReaderOptions"]


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """Arguments of :func:`crampwatch.recordings.read`; None where the user did not give one."""

    channels: Sequence[str | int] | None = None
    rate_hz: float | None = None
    scale_uv: float | None = None
    column: Sequence[int] | None = None

    @property
    def has_any(self) -> bool:
        """Whether the user gave any of them."""
        return any(one is not None for one in (self.channels, self.rate_hz, self.scale_uv, self.column))

    def refuse_for_session(self, path: Path) -> None:
        """Raise where any was given for a session file, which states everything itself.

        Raises:
            ConfigurationError: Any was given.
        """
        if self.has_any:
            raise ConfigurationError(
                f"{path} is a crampwatch session, which states its own channels, rate and scale.",
                advice="Leave out --channels, --rate-hz, --scale and --column.",
            )

    def arguments(self) -> tuple[str, ...]:
        """Return the command line flags, to pass on to another command."""
        flags = {
            "--channels": self.channels and ",".join(str(one) for one in self.channels),
            "--rate-hz": self.rate_hz,
            "--scale": self.scale_uv,
            "--column": self.column and ",".join(str(one) for one in self.column),
        }
        return tuple(str(part) for flag, value in flags.items() if value is not None for part in (flag, value))

    def read(self, path: Path) -> "Recording":
        """Open a recording; raises as :func:`crampwatch.recordings.read` does."""
        from crampwatch import recordings

        return recordings.read(
            path, channels=self.channels, rate_hz=self.rate_hz, scale_uv=self.scale_uv, column=self.column
        )
