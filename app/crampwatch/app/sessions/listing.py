"""One row per session, for `crampwatch sessions`. Pure."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from crampwatch.app.cli.wording import length_text
from crampwatch.app.sessions.episode_line import clock_text, utc_text
from crampwatch.journal import SessionEntry, SessionSummary
from crampwatch.protocol.records import RecordKind

__all__ = ["HEADS", "session_cells", "session_row"]

HEADS: Final = ("session", "started", "length", "origin", "sensors", "size", "state")
"""Column heads of the table."""
_INTERRUPTED: Final = "recording, or cut short"


def session_row(entry: SessionEntry) -> dict[str, Any]:
    """Return the fields of a session for JSON and for the table.

    ``problem`` is not empty where the file cannot be read; fields that come from its content are then missing.
    """
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
        "started_local": _started_local(summary),
        "ended_utc": None if ended is None else utc_text(ended),
        "duration_s": round(summary.duration_s, 3),
        "length": clock_text(summary.duration_s),
        "sensors": [sensor.sensor for sensor in summary.sensors],
        "records": summary.record_count,
        "frames": sum(one.records for one in summary.tallies if one.kind in (RecordKind.DATA, RecordKind.STORED_DATA)),
        "size_octets": summary.size_bytes,
        "state": "ended" if ended is not None else _INTERRUPTED,
    }


def session_cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a row's line in the table for people."""
    if row["problem"]:
        return (row["id"], "", "", "", "", "", row["problem"])
    return (
        row["id"],
        row["started_local"],
        length_text(row["duration_s"]),
        row["origin"],
        ", ".join(row["sensors"]),
        f"{row['size_octets'] / 1e6:.1f} MB",
        "recording or interrupted" if row["state"] == _INTERRUPTED else row["state"],
    )


def _started_local(summary: SessionSummary) -> str:
    """Return the start by the clock of the place where it was recorded."""
    offset = timezone(timedelta(seconds=summary.head.utc_offset_s))
    started = datetime.fromtimestamp(summary.head.started_utc_ns // 1_000_000_000, UTC).astimezone(offset)
    return f"{started:%Y-%m-%d %H:%M:%S}"
