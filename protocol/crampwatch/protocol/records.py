"""Session records: everything the collector received, as received (docs/session-file.md).

A record is stored before it is decoded. So a session can be replayed byte for byte, and decoded again by a better
program.
"""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Record", "RecordKind", "SessionHead", "SessionSensor"]


class RecordKind(IntEnum):
    """What the payload of a record is."""

    CONNECTED = 1
    """A connection was made: `Connected`."""
    DISCONNECTED = 2
    """It ended: `Disconnected`."""
    INFO = 3
    """Value of the Info characteristic, or of what a profile reads first; once per connection."""
    DATA = 4
    """Notification of the Data characteristic."""
    STORED_DATA = 5
    """Notification of the Stored Data characteristic."""
    EVENT = 6
    """Notification of the Event characteristic."""
    CONTROL_REPLY = 7
    """Indication of the Control characteristic."""
    TEMPERATURE = 8
    """Value of the Temperature characteristic."""
    BATTERY = 9
    """Value of the Battery Level characteristic."""
    SYNC = 10
    """The sensor's clock was read: `SyncExchange`."""
    RSSI = 11
    """Signal strength: `SignalStrength`."""
    CLOCK_STEP = 12
    """The wall clock moved against the monotonic clock: `ClockStep`."""
    GAP = 13
    """Samples that the sensor no longer holds: `LostSamples`."""


@dataclass(frozen=True, slots=True)
class SessionHead:
    """Description of a session, written once at its start.

    Attributes:
        session: UUID as text.
        started_utc_ns: Start of the session.
        started_mono_ns: Monotonic clock at that moment.
        utc_offset_s: Offset of local time from UTC there and then.
        origin: ``live``, ``demo`` or ``replay``.
        software: Name and version of the program that recorded it.
    """

    session: str
    started_utc_ns: int
    started_mono_ns: int
    utc_offset_s: int
    origin: str
    software: str


@dataclass(frozen=True, slots=True)
class SessionSensor:
    """A sensor of a session.

    Attributes:
        key: Small number by which records refer to it.
        sensor: Its id, as in topics.
        name: The name it advertises.
        address: Address of its radio.
        profile: Name of the profile that decodes its notifications.
        side: ``left``, ``right`` or ``unknown``.
        muscle: Free text.
    """

    key: int
    sensor: str
    name: str
    address: str
    profile: str
    side: str = "unknown"
    muscle: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a session.

    Attributes:
        seq: Number of the record, counted across sensors from 1.
        sensor_key: Key of the sensor; 0 for the session itself.
        kind: What the payload is.
        mono_ns: Monotonic clock on arrival; it starts again when the machine does, so it counts within an epoch only.
        utc_ns: Wall clock on arrival; it may step and is only there for the record.
        payload: The bytes as received.
        epoch: Number of the collector process that recorded it, counted from 0 in each session.
    """

    seq: int
    sensor_key: int
    kind: RecordKind
    mono_ns: int
    utc_ns: int
    payload: bytes
    epoch: int = 0
