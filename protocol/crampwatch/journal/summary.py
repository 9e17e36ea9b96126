"""What a session holds, told without reading it through."""

from dataclasses import dataclass
from pathlib import Path

from crampwatch.protocol.records import RecordKind, SessionHead, SessionSensor

__all__ = ["SessionSummary", "Tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of one kind a sensor sent: records, and octets of their payloads."""

    sensor_key: int
    kind: RecordKind
    records: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session at a glance.

    Attributes:
        path: Of the file.
        head: What it is.
        ended_utc_ns: Its end; None while it is written, or where it was cut short.
        last_utc_ns: When its last record arrived; its begin where there is none.
        sensors: Who took part.
        tallies: Counts, one a sensor and kind.
        size_bytes: On disk.
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
        """From its begin to its end or last record."""
        end_ns = self.last_utc_ns if self.ended_utc_ns is None else self.ended_utc_ns
        return max(0, end_ns - self.head.started_utc_ns) / 1e9

    @property
    def record_count(self) -> int:
        """Of all kinds and sensors."""
        return sum(tally.records for tally in self.tallies)
