"""How long to wait before the next attempt: for ever, but not ever more often."""

from collections.abc import Callable
from typing import Final

__all__ = ["Backoff"]

_FIRST_S: Final = 0.25
_FACTOR: Final = 2.0
_LONGEST_S: Final = 30.0
"""A sensor carried out of the room is back on the page within half a minute of its return, at the worst."""


class Backoff:
    """Pauses between attempts: doubling, capped, jittered so that several sensors do not try in step.

    Args:
        chance: Returns a number from 0 to 1, evenly spread.
        longest_s: The cap.
    """

    def __init__(self, chance: Callable[[], float], *, longest_s: float = _LONGEST_S) -> None:
        self._chance = chance
        self._longest_s = longest_s
        self.failures = 0

    def failed(self) -> float:
        """Note a failed attempt; return the pause before the next, in seconds."""
        # The exponent is bounded: after a night without a sensor the power would not fit a float.
        pause_s = min(self._longest_s, _FIRST_S * _FACTOR ** min(self.failures, 20))
        self.failures += 1
        return pause_s * (0.5 + 0.5 * self._chance())

    def succeeded(self) -> None:
        """Note a success: the next pause is a short one again."""
        self.failures = 0
