"""The link layer of one connection: connection events, loss, retransmission, supervision.

A Bluetooth LE link never drops a packet: one that is lost is sent again in the next connection event, until the
supervision timeout ends the connection (Core 5.4, Vol 6, Part B, 4.5). So loss shows as delay, and a spell out of
range as silence and then a disconnection. Time is an argument; nothing here waits.
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
_FRAMING_OCTETS: Final = 14
"""Preamble, access address, header, CRC and MIC on LE 1M (Core 5.4, Vol 6, Part B, 2.1)."""
_OCTET_S: Final = 8e-6


class Side(Enum):
    """Who sends."""

    CENTRAL = "central"
    PERIPHERAL = "peripheral"


@dataclass(frozen=True, slots=True)
class AirPath:
    """What the air is like between a sensor and everyone else.

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

    def lets_through(self, chance: random.Random) -> bool:
        """Decide the fate of one packet."""
        return self.in_range and (self.loss <= 0.0 or chance.random() >= self.loss)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Pdu]):
    """A packet that arrived, and who had sent it."""

    sender: Side
    pdu: Pdu


def airtime_s(octets: int) -> float:
    """Return how long a packet of so many payload octets occupies the air on LE 1M, with the pause after it."""
    return (octets + _FRAMING_OCTETS) * _OCTET_S + _INTER_FRAME_S


class LinkLayer(Generic[Pdu]):
    """One connection's queues and timers.

    Args:
        interval_s: Between connection events.
        supervision_s: Silence after which the connection is lost.
        chance: Decides which packets are lost.
        now_s: When the connection was made: the first event is one interval later.
    """

    def __init__(self, *, interval_s: float, supervision_s: float, chance: random.Random, now_s: float) -> None:
        self.interval_s = interval_s
        self.supervision_s = supervision_s
        self._chance = chance
        self._anchor_s = now_s
        self._heard_s = now_s
        self._queues: dict[Side, deque[tuple[int, Pdu]]] = {side: deque() for side in Side}

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be sent."""
        return not any(self._queues.values())

    def push(self, sender: Side, octets: int, pdu: Pdu) -> None:
        """Queue a packet for the coming connection events."""
        self._queues[sender].append((octets, pdu))

    def discard(self, sender: Side) -> None:
        """Forget what a side had queued: it is gone."""
        self._queues[sender].clear()

    def heard(self, now_s: float) -> None:
        """Note that both sides heard each other, as they do in every event while the path is good."""
        self._heard_s = now_s

    def next_event_s(self, now_s: float) -> float:
        """Return when the first connection event after `now_s` begins."""
        return self._anchor_s + (math.floor((now_s - self._anchor_s) / self.interval_s) + 1) * self.interval_s

    def has_expired(self, now_s: float) -> bool:
        """Tell whether the supervision timeout has passed in silence."""
        return now_s - self._heard_s >= self.supervision_s

    def event(self, now_s: float, path: AirPath, budget_s: float) -> list[Delivery[Pdu]]:
        """Hold one connection event.

        The central polls, the peripheral answers; each sends the packet at the head of its queue, or an empty one.
        A lost packet ends the event, as on a real link.

        Args:
            now_s: When.
            path: What the air is like.
            budget_s: Airtime that may be used; the first exchange always takes place.

        Returns:
            What arrived, in order.
        """
        arrived: list[Delivery[Pdu]] = []
        while True:
            for side in Side:
                budget_s -= airtime_s(self._queues[side][0][0] if self._queues[side] else 0)
                if not path.lets_through(self._chance):
                    return arrived
                if self._queues[side]:
                    arrived.append(Delivery(side, self._queues[side].popleft()[1]))
            self._heard_s = now_s
            if self.is_idle or budget_s <= 0:
                return arrived
