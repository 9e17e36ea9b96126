"""Whether a connected sensor has stopped sending samples.

A controller may believe in a connection that carries nothing any more, after a firmware fault or a stream that was
never started. So the link watches the samples themselves, and gives up a connection on which none arrive.
"""

from typing import Final

__all__ = ["SilenceWatchdog"]

SILENCE_LIMIT_S: Final = 5.0
"""Longer than the supervision timeout that is requested (4 s), so that the controller reports a lost link first if it
can."""


class SilenceWatchdog:
    """Expires if no samples arrive for a time; times are real seconds of any monotonic clock.

    Args:
        now_s: When watching starts.
        limit_s: How long a silence is tolerated.
    """

    def __init__(self, now_s: float, *, limit_s: float = SILENCE_LIMIT_S) -> None:
        self._limit_s = limit_s
        self._last_s = now_s

    def note_samples(self, now_s: float) -> None:
        """Note that samples arrived."""
        self._last_s = now_s

    def expires_at_s(self) -> float:
        """Return when the watchdog expires if no more samples arrive."""
        return self._last_s + self._limit_s

    def has_expired(self, now_s: float) -> bool:
        """Return whether the silence has lasted too long."""
        return now_s >= self.expires_at_s()
