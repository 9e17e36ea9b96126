"""What the server tells the page: one shape for the first picture and for every change after it.

Messages of the broker pass through as they are (docs/messages.md), so that the page speaks the same language as every
other reader. Curves are packed: little-endian int16 in base64, order [step][channel][field], times ``scale``; -32768
where nothing is known. The TypeScript counterpart is ``dashboards/frontend/src/wire.ts``.
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
from crampwatch.web.live.ring import Stretch
from crampwatch.web.settings.model.alarms import AlarmState

__all__ = ["UNKNOWN", "Curve", "SensorUpdate", "Update", "encode_event", "pack"]

UNKNOWN: Final = -32768
_FULL_SCALE: Final = 32767


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a curve, packed.

    Attributes:
        at: Number of its first step on the UTC grid.
        n: Steps.
        scale: Value of one count.
        data: The counts.
    """

    at: int
    n: int
    scale: float
    data: str


class SensorUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is new about one sensor; in a snapshot, all that is known.

    Attributes:
        channels: Channels of its EMG stream.
        unit: Of its curves: ``uV``, or ``relative`` where the scale is unknown.
        newest_ns: When the newest sample ended.
        silent_s: How long ago samples last came; null: never.
        fine: Lowest and highest value each 20 ms.
        coarse: Lowest and highest value each 100 ms.
        features: Envelope, floor and threshold each 100 ms.
        reset: Its curves begin anew: forget the old ones.
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
    """What is new.

    Attributes:
        version: Of the server, so that a page of another version reloads itself.
        broker: Whether the broker is there; null: as before.
        night_ns: Local noon the episodes are counted from.
        counts: Episodes of each kind since then, and ``retracted``.
        alarms: What people have said about alarms; null: as before.
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


def pack(stretch: Stretch) -> Curve:
    """Pack a stretch of a ring."""
    at, values = stretch
    finite = np.isfinite(values)
    peak = float(np.abs(values, where=finite, out=np.zeros_like(values)).max(initial=0.0))
    scale = peak / _FULL_SCALE if peak > 0 else 1.0
    counts = np.full(values.shape, UNKNOWN, "<i2")
    counts[finite] = np.rint(values[finite] / scale)
    return Curve(at=at, n=len(values), scale=scale, data=base64.b64encode(counts.tobytes()).decode())


def encode_event(name: str, data: msgspec.Struct | None = None) -> bytes:
    """Return a server-sent event."""
    payload = b"{}" if data is None else msgspec.json.encode(data)
    return b"event: " + name.encode() + b"\ndata: " + payload + b"\n\n"
