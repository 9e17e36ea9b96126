"""Session records: everything the collector received, as received (docs/session-file.md).

A record is written before anything is made of it, so that a session can be replayed octet by octet.
"""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Record", "RecordKind", "SessionHead", "SessionSensor"]


class RecordKind(IntEnum):
    """What a record's payload is."""

    CONNECTED = 1
    """JSON object: ``address``, ``mtu``."""
    DISCONNECTED = 2
    """UTF-8 text: why."""
    INFO = 3
    """Value of the Info characteristic (or what a profile reads first), once a connection."""
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
    """24 octets, three little-endian i64: monotonic ns before and after a sync request, then ticks << 32 | index."""
    RSSI = 11
    """One signed octet, dBm."""
    CLOCK_STEP = 12
    """Little-endian i64: by how many ns UTC moved against the monotonic clock."""
    GAP = 13
    """Three little-endian u64: stream, first index and count of samples that nobody holds any more."""


@dataclass(frozen=True, slots=True)
class SessionHead:
    """What a session is, written once.

    Attributes:
        session: UUID text.
        started_utc_ns: Begin.
        started_mono_ns: The monotonic clock at that moment.
        utc_offset_s: The local time's offset there and then.
        origin: ``live``, ``demo`` or ``replay``.
        software: Name and version that wrote it.
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
        key: Small number that records refer to.
        sensor: Id, as in topics.
        name: As advertised.
        address: Of its radio.
        profile: Which device profile reads its notifications.
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
    """One thing received.

    Attributes:
        seq: Grows by one a record, across sensors.
        sensor_key: Which sensor; 0 for the session itself.
        kind: What the payload is.
        mono_ns: The monotonic clock on arrival. After a restart of the machine it begins anew: ``epoch`` tells.
        utc_ns: The wall clock on arrival.
        payload: As received.
        epoch: Counts the collector's processes of this session.
    """

    seq: int
    sensor_key: int
    kind: RecordKind
    mono_ns: int
    utc_ns: int
    payload: bytes
    epoch: int = 0
