"""Whether a sensor has been away for so long that a person should be notified."""

from typing import Final, Literal

__all__ = ["Absence"]

ABSENCE_LIMIT_S: Final = 10.0
"""A wearer who turns over onto the sensor interrupts the link for a second or two; a longer loss needs attention."""


class Absence:
    """Watches whether a sensor is connected, and reports each long absence and its end once.

    Times are UTC nanoseconds.

    Attributes:
        since_ns: When the present absence started; None while the sensor is connected.
    """

    def __init__(self) -> None:
        self.since_ns: int | None = None
        self._is_reported = False

    def update(self, now_ns: int, *, is_connected: bool) -> Literal["silent", "back"] | None:
        """Note the present state; return ``"silent"`` or ``"back"`` when a person is to be notified of it.

        >>> absence = Absence()
        >>> [absence.update(at * 10**9, is_connected=at in (0, 30)) for at in (0, 5, 14, 16, 20, 30, 31)]
        [None, None, None, 'silent', None, 'back', None]
        """
        if is_connected:
            was_reported, self._is_reported, self.since_ns = self._is_reported, False, None
            return "back" if was_reported else None
        if self.since_ns is None:
            self.since_ns = now_ns
        if self._is_reported or now_ns - self.since_ns < ABSENCE_LIMIT_S * 1e9:
            return None
        self._is_reported = True
        return "silent"
