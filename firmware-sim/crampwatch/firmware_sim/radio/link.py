"""One connection over the virtual air: runs its link layer on the event loop."""

import asyncio
import random
from dataclasses import dataclass
from typing import Final, Protocol

from bumble import hci, ll
from crampwatch.firmware_sim.radio.link_layer import AirPath, LinkLayer, Side

__all__ = ["AclPdu", "AirLink", "AirPdu", "LinkEnd", "LinkTiming", "PathSource"]

_SHORTEST_PERIOD_S: Final = 0.005
"""At high speed, connection events would be too frequent for an event loop: they are then simulated in groups."""
_CONTROL_BYTES: Final = 24
"""Typical size of a link-layer control packet; there are few of them."""


@dataclass(frozen=True, slots=True)
class AclPdu:
    """A fragment of an L2CAP packet, as received from the host."""

    is_continuation: bool
    data: bytes


AirPdu = AclPdu | ll.ControlPdu


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """Parameters of a connection, in the units of HCI.

    Attributes:
        interval: In 1.25 ms.
        latency: Connection events that a peripheral may skip; reported, but not used.
        timeout: Supervision timeout in 10 ms.
    """

    interval: int
    latency: int
    timeout: int


class LinkEnd(Protocol):
    """A controller at one end of a connection."""

    def receive(self, pdu: AirPdu) -> None:
        """Handle a packet that arrived."""

    def on_acknowledged(self, pdu: AirPdu) -> None:
        """Handle the acknowledgement of a packet that was sent."""

    def on_supervision_timeout(self) -> None:
        """Handle the silence of the other side."""


class PathSource(Protocol):
    """Gives radio conditions; implemented by `Air`."""

    @property
    def speed(self) -> float:
        """How many times faster than real time sensors run."""

    def path(self, sensor: hci.Address) -> AirPath:
        """Return range, loss and signal strength of a sensor."""

    def forget(self, link: "AirLink") -> None:
        """Drop a connection that has ended on both sides."""


class AirLink:
    """Delivers packets between the two ends of a connection as its link layer permits.

    An idle connection on a perfect path costs nothing: its empty events cannot fail, so they are not simulated.
    """

    def __init__(self, air: PathSource, sensor: hci.Address, timing: LinkTiming, rng: random.Random) -> None:
        self.sensor = sensor
        self.ends: dict[Side, LinkEnd] = {}
        self._air = air
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_severed = False
        self._layer: LinkLayer[AirPdu] = LinkLayer(
            interval_s=self._period_s(timing.interval),
            supervision_s=timing.timeout * 0.01,
            rng=rng,
            now_s=self._loop.time(),
        )

    @property
    def path(self) -> AirPath:
        """Radio conditions between the two ends now."""
        return AirPath(in_range=False) if self._is_severed else self._air.path(self.sensor)

    def send(self, side: Side, pdu: AirPdu) -> None:
        """Queue a packet for the coming connection events."""
        self._layer.push(side, len(pdu.data) if isinstance(pdu, AclPdu) else _CONTROL_BYTES, pdu)
        self._schedule_event()

    def close(self, side: Side) -> None:
        """Close the connection on one side; packets that this side had queued are still sent."""
        self.ends.pop(side, None)
        if not self.ends:
            self._stop()

    def sever(self, side: Side) -> None:
        """Remove one side without notice: the other side will time out."""
        self._layer.discard(side)
        self._is_severed = True
        self.close(side)
        if self.ends:
            self._schedule_event()

    def on_path_changing(self) -> None:
        """Handle an imminent change of the path: until now a perfect path kept the connection alive."""
        if self._timer is None and self.path.is_perfect:
            self._layer.note_contact(self._loop.time())

    def on_path_changed(self) -> None:
        """Handle a change of the path."""
        if not self.path.is_perfect:
            self._schedule_event()

    def _period_s(self, interval: int) -> float:
        return max(interval * 0.00125 / self._air.speed, _SHORTEST_PERIOD_S if self._air.speed > 1 else 0.0)

    def _schedule_event(self) -> None:
        if self._timer is not None:
            return
        now_s = self._loop.time()
        if self.path.is_perfect:
            self._layer.note_contact(now_s)
        self._timer = self._loop.call_at(self._layer.next_event_s(now_s), self._run_event)

    def _run_event(self) -> None:
        self._timer = None
        now_s = self._loop.time()
        for delivery in self._layer.run_event(now_s, self.path, self._layer.interval_s * self._air.speed):
            self._deliver(delivery.sender, delivery.pdu)
        if self._layer.has_expired(now_s):
            for end in list(self.ends.values()):
                end.on_supervision_timeout()
        if self.ends and not (self._layer.is_idle and self.path.is_perfect):
            self._schedule_event()

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
