"""How long to pause before the next connection attempt: attempts never stop, and never become frequent."""

from collections.abc import Callable
from typing import Final

__all__ = ["Backoff"]

_FIRST_PAUSE_S: Final = 0.25
"""Most losses are short (a body between sensor and receiver): the first retry comes almost at once."""
_FACTOR: Final = 2.0
_LONGEST_PAUSE_S: Final = 30.0
"""A sensor carried out of the room is connected again within half a minute of its return, at worst."""
_MAX_EXPONENT: Final = 20
"""Bounds the power: after a night without a sensor it would not fit a float. The cap is reached long before."""


class Backoff:
    """Pauses between attempts: doubling up to a cap, and jittered so that several sensors do not try in step.

    Args:
        random: Returns a number from 0 up to 1, uniformly distributed.
    """

    def __init__(self, random: Callable[[], float], *, longest_s: float = _LONGEST_PAUSE_S) -> None:
        self._random = random
        self._longest_s = longest_s
        self.failures = 0

    def next_pause_s(self) -> float:
        """Count a failed attempt; return the pause before the next one, half to all of the nominal pause."""
        pause_s = min(self._longest_s, _FIRST_PAUSE_S * _FACTOR ** min(self.failures, _MAX_EXPONENT))
        self.failures += 1
        return pause_s * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """Start again with the shortest pause, after a successful attempt."""
        self.failures = 0
