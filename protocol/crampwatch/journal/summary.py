"""Summary of a session that does not need all of its records to be read."""

from dataclasses import dataclass
from pathlib import Path

from crampwatch.protocol.records import RecordKind, SessionHead, SessionSensor

__all__ = ["SessionSummary", "Tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of one kind there are of a sensor, and the size of their payloads."""

    sensor_key: int
    kind: RecordKind
    records: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """Summary of a session.

    Attributes:
        path: The session file.
        head: Description of the session.
        ended_utc_ns: Its end; None while it is being recorded, or if it was interrupted.
        last_utc_ns: When its last record arrived; its start if there is none.
        sensors: Its sensors.
        tallies: Counts by sensor and kind of record.
        size_bytes: Size on disk.
    """

    path: Path
    head: SessionHead
    ended_utc_ns: int | None
    last_utc_ns: int
    sensors: tuple[SessionSensor, ...]
    tallies: tuple[Tally, ...]
    size_bytes: int

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end, or to its last record if it has no end."""
        end_ns = self.last_utc_ns if self.ended_utc_ns is None else self.ended_utc_ns
        return max(0, end_ns - self.head.started_utc_ns) / 1e9

    @property
    def record_count(self) -> int:
        """Number of records of all kinds and sensors."""
        return sum(tally.records for tally in self.tallies)
