"""The sensor's events, kept until a host takes them."""

from collections import deque
from typing import Final

from crampwatch.protocol.event import SensorEvent

__all__ = ["EventLog"]

_KEPT: Final = 32


class EventLog:
    """Events in order; the oldest make room. They outlive a connection: a mark made out of range is not lost."""

    def __init__(self) -> None:
        self._waiting: deque[SensorEvent] = deque(maxlen=_KEPT)

    def add(self, event: SensorEvent) -> None:
        """Keep an event."""
        self._waiting.append(event)

    def holds(self, code: int) -> bool:
        """Tell whether an event of a code waits."""
        return any(event.code == code for event in self._waiting)

    def take(self) -> bytes | None:
        """Return the oldest event's octets."""
        return self._waiting.popleft().encode() if self._waiting else None
