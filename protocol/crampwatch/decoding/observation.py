"""Observations: what a session record means once it is decoded."""

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
    """A frame of samples arrived; `placement` says where its samples belong and which of them are new."""

    boot: Boot
    frame: Frame
    placement: Placement


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """Temperature of the skin; NaN if the sensor has no reading."""

    utc_ns: int
    celsius: float


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """Charge left in the battery."""

    utc_ns: int
    percent: int


@dataclass(frozen=True, slots=True)
class EventReceived:
    """The sensor sent an event.

    Attributes:
        utc_ns: When it arrived.
        boot: Boot of the sensor it belongs to.
        ticks: Unwrapped clock of the sensor when it happened.
        event: The event.
    """

    utc_ns: int
    boot: Boot
    ticks: int
    event: SensorEvent


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A connection was made or ended."""

    utc_ns: int
    connected: bool


@dataclass(frozen=True, slots=True)
class SensorDescribed:
    """The sensor's Info was read: of a new boot (`is_new`), or again after a reconnection."""

    utc_ns: int
    boot: Boot
    is_new: bool


Observation = SamplesReceived | TemperatureReading | BatteryReading | EventReceived | LinkChange | SensorDescribed
