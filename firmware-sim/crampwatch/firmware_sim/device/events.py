"""Events of the sensor, queued until a host receives them."""

from collections import deque
from typing import Final

from crampwatch.protocol.event import SensorEvent

__all__ = ["EventLog"]

_MOST_WAITING: Final = 32
"""As many marks as a person may make in a night out of range."""


class EventLog:
    """A queue of events that outlives connections, so that a mark made out of range is not lost.

    When it is full, the oldest event is discarded.
    """

    def __init__(self) -> None:
        self._waiting: deque[SensorEvent] = deque(maxlen=_MOST_WAITING)

    def add(self, event: SensorEvent) -> None:
        """Append an event."""
        self._waiting.append(event)

    def holds(self, code: int) -> bool:
        """Return whether an event with a code is queued."""
        return any(event.code == code for event in self._waiting)

    def pop(self) -> bytes | None:
        """Remove and encode the oldest event; None if the queue is empty."""
        return self._waiting.popleft().encode() if self._waiting else None
