"""One row a session, for `crampwatch sessions`. Pure."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from crampwatch.app.sessions.text import clock_text, utc_text
from crampwatch.journal import SessionEntry, SessionSummary
from crampwatch.protocol.records import RecordKind

__all__ = ["row_of"]


def row_of(entry: SessionEntry) -> dict[str, Any]:
    """Return what a listing tells of a session file; ``problem`` is not empty where it cannot be read."""
    base: dict[str, Any] = {
        "id": entry.path.stem.split("-")[-1],
        "name": entry.path.stem,
        "path": str(entry.path),
        "problem": entry.problem,
    }
    if entry.summary is None:
        return base
    summary = entry.summary
    ended = summary.ended_utc_ns
    return {
        **base,
        "session": summary.head.session,
        "origin": summary.head.origin,
        "started_utc": utc_text(summary.head.started_utc_ns),
        "started_local": _local(summary),
        "ended_utc": None if ended is None else utc_text(ended),
        "duration_s": round(summary.duration_s, 3),
        "length": clock_text(summary.duration_s),
        "sensors": [sensor.sensor for sensor in summary.sensors],
        "records": summary.record_count,
        "frames": sum(one.records for one in summary.tallies if one.kind in (RecordKind.DATA, RecordKind.STORED_DATA)),
        "size_octets": summary.size_bytes,
        "state": "ended" if ended is not None else "recording, or cut short",
    }


def _local(summary: SessionSummary) -> str:
    offset = timezone(timedelta(seconds=summary.head.utc_offset_s))
    began = datetime.fromtimestamp(summary.head.started_utc_ns // 1_000_000_000, UTC).astimezone(offset)
    return f"{began:%Y-%m-%d %H:%M:%S}"
