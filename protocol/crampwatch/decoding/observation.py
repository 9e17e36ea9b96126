"""What a record of the session turns out to be."""

from dataclasses import dataclass

from crampwatch.decoding.assembly import Placement
from crampwatch.decoding.boot import Boot
from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import Frame

__all__ = [
    "BatteryReading",
    "EventReceived",
    "LinkChange",
    "Observation",
    "SamplesReceived",
    "SensorDescribed",
    "TemperatureReading",
]


@dataclass(frozen=True, slots=True)
class SamplesReceived:
    """A frame, put in its place.

    Attributes:
        boot: Of the sensor.
        frame: As decoded.
        placement: Where its samples belong, and which of them are new.
    """

    boot: Boot
    frame: Frame
    placement: Placement


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """Of the skin, at a time; NaN where the sensor does not know."""

    utc_ns: int
    celsius: float


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """Percent left, at a time."""

    utc_ns: int
    percent: int


@dataclass(frozen=True, slots=True)
class EventReceived:
    """What the sensor wanted known.

    Attributes:
        utc_ns: When that arrived.
        boot: Of the sensor.
        ticks: The sensor's clock when it happened, unwrapped.
        event: As decoded.
    """

    utc_ns: int
    boot: Boot
    ticks: int
    event: SensorEvent


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A connection began or ended."""

    utc_ns: int
    connected: bool


@dataclass(frozen=True, slots=True)
class SensorDescribed:
    """The sensor said who it is: of a new boot, or again after a reconnection."""

    utc_ns: int
    boot: Boot
    is_new: bool


Observation = SamplesReceived | TemperatureReading | BatteryReading | EventReceived | LinkChange | SensorDescribed
