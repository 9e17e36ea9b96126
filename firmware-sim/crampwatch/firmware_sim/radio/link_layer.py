"""The link layer of one connection: connection events, loss, retransmission, supervision.

A Bluetooth LE connection is a sequence of connection events, one per connection interval. In each, central and
peripheral exchange packets in turns as long as either has data and time is left; a lost packet ends the event. A link
never drops a packet: one that was lost is sent again in the next event, until the supervision timeout ends the
connection (Core 5.4, Vol 6, Part B, 4.5). So loss appears as delay, and a time out of range as silence and then a
disconnection.

Time is an argument; nothing here waits. `link.AirLink` runs this on an event loop.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

__all__ = ["AirPath", "Delivery", "LinkLayer", "Side", "airtime_s"]

Pdu = TypeVar("Pdu")

_INTER_FRAME_S: Final = 150e-6
"""T_IFS (Core 5.4, Vol 6, Part B, 4.1.1)."""
_FRAMING_BYTES: Final = 14
"""Preamble, access address, header, CRC and MIC on LE 1M (Core 5.4, Vol 6, Part B, 2.1)."""
_BYTE_S: Final = 8e-6
"""At 1 Mbit/s."""


class Side(Enum):
    """Who sends."""

    CENTRAL = "central"
    PERIPHERAL = "peripheral"


@dataclass(frozen=True, slots=True)
class AirPath:
    """Radio conditions between a sensor and everyone else.

    Attributes:
        loss: Share of packets that are lost, 0 to 1.
        in_range: Whether any packet arrives at all.
        rssi_dbm: Received signal strength.
    """

    loss: float = 0.0
    in_range: bool = True
    rssi_dbm: int = -60

    @property
    def is_perfect(self) -> bool:
        """Whether every packet arrives."""
        return self.in_range and self.loss <= 0.0

    def delivers(self, rng: random.Random) -> bool:
        """Return whether one packet arrives; a random decision if there is loss."""
        return self.in_range and (self.loss <= 0.0 or rng.random() >= self.loss)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Pdu]):
    """A packet that arrived, and its sender."""

    sender: Side
    pdu: Pdu


def airtime_s(size_bytes: int) -> float:
    """Return how long a packet with this payload occupies the air on LE 1M, including the pause after it."""
    return (size_bytes + _FRAMING_BYTES) * _BYTE_S + _INTER_FRAME_S


class LinkLayer(Generic[Pdu]):
    """Queues and timers of one connection.

    Args:
        interval_s: Between connection events.
        supervision_s: Silence after which the connection is lost.
        rng: Determines which packets are lost.
        now_s: Time of the connection; the first event is one interval later.
    """

    def __init__(self, *, interval_s: float, supervision_s: float, rng: random.Random, now_s: float) -> None:
        self.interval_s = interval_s
        self.supervision_s = supervision_s
        self._rng = rng
        self._anchor_s = now_s
        self._last_contact_s = now_s
        self._queues: dict[Side, deque[tuple[int, Pdu]]] = {side: deque() for side in Side}

    @property
    def is_idle(self) -> bool:
        """Whether no packet is queued."""
        return not any(self._queues.values())

    def push(self, sender: Side, size_bytes: int, pdu: Pdu) -> None:
        """Queue a packet for the coming connection events."""
        self._queues[sender].append((size_bytes, pdu))

    def discard(self, sender: Side) -> None:
        """Discard the packets that a side had queued: the side is gone."""
        self._queues[sender].clear()

    def note_contact(self, now_s: float) -> None:
        """Restart the supervision timeout: both sides received each other, as in every event on a perfect path."""
        self._last_contact_s = now_s

    def next_event_s(self, now_s: float) -> float:
        """Return when the first connection event after `now_s` starts."""
        return self._anchor_s + (math.floor((now_s - self._anchor_s) / self.interval_s) + 1) * self.interval_s

    def has_expired(self, now_s: float) -> bool:
        """Return whether the supervision timeout has passed without a packet."""
        return now_s - self._last_contact_s >= self.supervision_s

    def run_event(self, now_s: float, path: AirPath, budget_s: float) -> list[Delivery[Pdu]]:
        """Simulate one connection event.

        The central polls, the peripheral answers; each sends the packet at the head of its queue, or an empty one.
        A lost packet ends the event.

        Args:
            now_s: Start of the event.
            path: Radio conditions.
            budget_s: Airtime that may be used; the first exchange always takes place.

        Returns:
            Packets that arrived, in order.
        """
        arrived: list[Delivery[Pdu]] = []
        while True:
            for side in Side:
                budget_s -= airtime_s(self._queues[side][0][0] if self._queues[side] else 0)
                if not path.delivers(self._rng):
                    return arrived
                if self._queues[side]:
                    arrived.append(Delivery(side, self._queues[side].popleft()[1]))
            self._last_contact_s = now_s
            if self.is_idle or budget_s <= 0:
                return arrived
