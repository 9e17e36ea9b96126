"""Whether a sensor has fallen silent."""

from typing import Final

__all__ = ["Silence"]

SILENCE_S: Final = 5.0
"""Longer than the supervision timeout that is asked for (4 s): the radio says it first where it can."""


class Silence:
    """Watches for samples on one connection; times are real seconds of any clock.

    Args:
        now_s: When watching begins.
        limit_s: Silence that is not believed to be accidental.
    """

    def __init__(self, now_s: float, *, limit_s: float = SILENCE_S) -> None:
        self._limit_s = limit_s
        self._heard_s = now_s

    def heard(self, now_s: float) -> None:
        """Note that something came."""
        self._heard_s = now_s

    def due_s(self) -> float:
        """Return when the silence will have lasted too long, should nothing come."""
        return self._heard_s + self._limit_s

    def has_lasted(self, now_s: float) -> bool:
        """Return whether it has lasted too long."""
        return now_s >= self.due_s()
