"""Whether a sensor has been away for so long that a person should know."""

from typing import Final, Literal

__all__ = ["Absence"]

ABSENCE_S: Final = 10.0
"""A sensor turned upon in bed is away for a second or two; what lasts longer should be known."""


class Absence:
    """Watches whether a sensor is connected. Times are UTC nanoseconds."""

    def __init__(self) -> None:
        self.since_ns: int | None = None
        self._is_told = False

    def take(self, now_ns: int, *, is_connected: bool) -> Literal["silent", "back"] | None:
        """Take how it is now; return what is to be told: once that it is silent, and once that it is back.

        >>> absence = Absence()
        >>> [absence.take(at * 10**9, is_connected=at in (0, 30)) for at in (0, 5, 14, 16, 20, 30, 31)]
        [None, None, None, 'silent', None, 'back', None]
        """
        if is_connected:
            was_told, self._is_told, self.since_ns = self._is_told, False, None
            return "back" if was_told else None
        if self.since_ns is None:
            self.since_ns = now_ns
        if self._is_told or now_ns - self.since_ns < ABSENCE_S * 1e9:
            return None
        self._is_told = True
        return "silent"
