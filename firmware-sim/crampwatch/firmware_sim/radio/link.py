"""One connection over the virtual air: runs its link layer on the event loop."""

import asyncio
import random
from dataclasses import dataclass
from typing import Final, Protocol

from bumble import hci, ll
from crampwatch.firmware_sim.radio.arq import AirPath, LinkLayer, Side

__all__ = ["AclPdu", "AirLink", "AirPdu", "LinkEnd", "LinkTiming", "PathSource"]

_SHORTEST_PERIOD_S: Final = 0.005
"""At high speeds connection events come faster than an event loop should turn: they are then held in groups."""
_CONTROL_OCTETS: Final = 24
"""About what link-layer control packets take; they are few."""


@dataclass(frozen=True, slots=True)
class AclPdu:
    """A fragment of an L2CAP packet, as the host handed it over."""

    is_continuation: bool
    data: bytes


AirPdu = AclPdu | ll.ControlPdu


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """What a connection was opened with, in the units of HCI.

    Attributes:
        interval: In 1.25 ms.
        latency: Connection events a peripheral may skip; kept, not acted upon.
        timeout: Supervision timeout in 10 ms.
    """

    interval: int
    latency: int
    timeout: int


class LinkEnd(Protocol):
    """One controller's view of a connection."""

    def receive(self, pdu: AirPdu) -> None:
        """Take a packet that arrived."""

    def on_acknowledged(self, pdu: AirPdu) -> None:
        """Learn that a packet of ours arrived."""

    def on_supervision_timeout(self) -> None:
        """Learn that the other side has fallen silent."""


class PathSource(Protocol):
    """Who knows what the air is like."""

    @property
    def speed(self) -> float:
        """How many times faster than real time sensors live."""

    def path(self, sensor: hci.Address) -> AirPath:
        """Return what the air is like around a sensor."""

    def forget(self, link: "AirLink") -> None:
        """Drop a connection that has ended on both sides."""


class AirLink:
    """Hands packets from end to end as the link layer lets them through.

    A quiet connection on a perfect path costs nothing: its empty events are not held, they could not fail.
    """

    def __init__(self, air: PathSource, sensor: hci.Address, timing: LinkTiming, chance: random.Random) -> None:
        self.sensor = sensor
        self.ends: dict[Side, LinkEnd] = {}
        self._air = air
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_severed = False
        self._layer: LinkLayer[AirPdu] = LinkLayer(
            interval_s=self._period_s(timing.interval),
            supervision_s=timing.timeout * 0.01,
            chance=chance,
            now_s=self._loop.time(),
        )

    @property
    def path(self) -> AirPath:
        """What the air between the two ends is like now."""
        return AirPath(in_range=False) if self._is_severed else self._air.path(self.sensor)

    def send(self, side: Side, pdu: AirPdu) -> None:
        """Queue a packet for the coming connection events."""
        self._layer.push(side, len(pdu.data) if isinstance(pdu, AclPdu) else _CONTROL_OCTETS, pdu)
        self._wake()

    def close(self, side: Side) -> None:
        """End the connection on one side; what that side had queued is still sent."""
        self.ends.pop(side, None)
        if not self.ends:
            self._stop()

    def sever(self, side: Side) -> None:
        """Take one side off the air without a word: the other will time out."""
        self._layer.discard(side)
        self._is_severed = True
        self.close(side)
        if self.ends:
            self._wake()

    def on_path_changing(self) -> None:
        """Note that the path was as it was up to now."""
        if self._timer is None and self.path.is_perfect:
            self._layer.heard(self._loop.time())

    def on_path_changed(self) -> None:
        """Act on a path that has just become better or worse."""
        if not self.path.is_perfect:
            self._wake()

    def _period_s(self, interval: int) -> float:
        return max(interval * 0.00125 / self._air.speed, _SHORTEST_PERIOD_S if self._air.speed > 1 else 0.0)

    def _wake(self) -> None:
        if self._timer is not None:
            return
        now_s = self._loop.time()
        if self.path.is_perfect:
            self._layer.heard(now_s)
        self._timer = self._loop.call_at(self._layer.next_event_s(now_s), self._hold_event)

    def _hold_event(self) -> None:
        self._timer = None
        now_s = self._loop.time()
        for delivery in self._layer.event(now_s, self.path, self._layer.interval_s * self._air.speed):
            self._deliver(delivery.sender, delivery.pdu)
        if self._layer.has_expired(now_s):
            for end in list(self.ends.values()):
                end.on_supervision_timeout()
        if self.ends and not (self._layer.is_idle and self.path.is_perfect):
            self._wake()

    def _deliver(self, sender: Side, pdu: AirPdu) -> None:
        receiver = Side.PERIPHERAL if sender is Side.CENTRAL else Side.CENTRAL
        if sender in self.ends:
            self.ends[sender].on_acknowledged(pdu)
        if isinstance(pdu, ll.ConnectionUpdateInd):
            self._layer.interval_s = self._period_s(pdu.interval)
            self._layer.supervision_s = pdu.timeout * 0.01
        if receiver in self.ends:
            self.ends[receiver].receive(pdu)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._air.forget(self)
