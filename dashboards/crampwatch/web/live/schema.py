"""What the server sends to open pages: one structure for the snapshot and for every update after it.

Broker messages pass through unchanged (docs/messages.md), so that the page reads the same messages as every other
subscriber. Curves are packed: little-endian int16 in base64, order [step][channel][field], each to be multiplied by
``scale``; -32768 marks missing data. A JSON array of floats would take several times the space. The TypeScript
counterpart is ``dashboards/frontend/src/schema.ts``.
"""

import base64
from typing import Final

import msgspec
import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import (
    Battery,
    Episode,
    Link,
    Notice,
    SensorInfo,
    SensorState,
    ServiceStatus,
    Temperature,
)
from crampwatch.web.live.ring import Segment
from crampwatch.web.model.alarms import AlarmState

__all__ = ["UNKNOWN", "Curve", "SensorUpdate", "Update", "encode_event", "pack"]

UNKNOWN: Final = -32768
_FULL_SCALE: Final = 32767
"""Largest count: a segment's largest absolute value maps to it, so the resolution is 1/32767 of that."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A segment of a curve, packed.

    Attributes:
        at: Number of its first step on the UTC grid.
        n: Number of steps.
        scale: Value of one count, in the curve's unit.
        data: Counts, packed as described above.
    """

    at: int
    n: int
    scale: float
    data: str


class SensorUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes of one sensor; in a snapshot, its complete state.

    Attributes:
        channels: Number of channels of its EMG stream; 0 before the first samples.
        unit: Unit of its curves: ``uV``, or ``relative`` if the scale is unknown.
        newest_ns: End of the newest sample, UTC.
        silent_s: Seconds since live samples last arrived; null if they never did, or if unchanged.
        fine: Lowest and highest value of each 20 ms.
        coarse: Lowest and highest value of each 100 ms.
        features: Envelope, floor and threshold of each 100 ms.
        reset: The curves start over: discard the old ones.
    """

    origin: Origin
    channels: int = 0
    unit: str = ""
    newest_ns: int | None = None
    silent_s: float | None = None
    reset: bool = False
    status: ServiceStatus | None = None
    info: SensorInfo | None = None
    state: SensorState | None = None
    temperature: Temperature | None = None
    battery: Battery | None = None
    link: Link | None = None
    fine: list[Curve] = []
    coarse: list[Curve] = []
    features: list[Curve] = []


class Update(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes since the last update; fields without a change are left out.

    Attributes:
        version: The server's version; a page of another version reloads itself. Snapshot only.
        broker: Whether the broker is connected; null if unchanged.
        night_ns: Local noon at which the current night starts, UTC; 0 if unchanged.
        counts: Number of episodes of each kind in this night, and of ``retracted`` ones.
        alarms: State of the alarms; null if unchanged.
    """

    version: str = ""
    broker: bool | None = None
    night_ns: int = 0
    sensors: dict[str, SensorUpdate] = {}
    services: dict[str, ServiceStatus] = {}
    episodes: list[Episode] = []
    notices: list[Notice] = []
    counts: dict[str, int] = {}
    alarms: AlarmState | None = None


def pack(segment: Segment) -> Curve:
    """Pack a segment of a ring; rounding is at most half a count."""
    at, values = segment
    finite = np.isfinite(values)
    peak = float(np.abs(values, where=finite, out=np.zeros_like(values)).max(initial=0.0))
    scale = peak / _FULL_SCALE if peak > 0 else 1.0
    counts = np.full(values.shape, UNKNOWN, "<i2")
    counts[finite] = np.rint(values[finite] / scale)
    return Curve(at=at, n=len(values), scale=scale, data=base64.b64encode(counts.tobytes()).decode())


def encode_event(name: str, data: msgspec.Struct | None = None) -> bytes:
    """Return a server-sent event (WHATWG HTML, section 9.2): name, JSON data, blank line."""
    payload = b"{}" if data is None else msgspec.json.encode(data)
    return b"event: " + name.encode() + b"\ndata: " + payload + b"\n\n"
