"""The recordings of a data folder, as the page lists them; deleted ones too. Calls block."""

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from crampwatch.journal import SessionEntry, SessionSummary, read_session_entry
from crampwatch.web.night.model.naming import night_name
from crampwatch.web.night.model.viewport import gaps_ns
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.night.sessions import SILENT_NS, session_origin
from crampwatch.web.sessions.schema import SessionRow, SessionState
from crampwatch.web.sessions.trash import Trash

__all__ = ["SessionRepository"]


class SessionRepository:
    """Lists, finds, deletes and restores recordings.

    Args:
        recordings: The recordings.
        clock_ns: Returns the time, UTC.
    """

    def __init__(self, recordings: Recordings, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._recordings = recordings
        self._clock_ns = clock_ns
        self._trash = Trash(recordings.folders, clock_ns=clock_ns)

    def rows(self) -> list[SessionRow]:
        """Return all recordings including deleted ones, newest first."""
        rows = [self._make_row(entry) for entry in self._recordings.entries()]
        rows += [
            self._make_row(read_session_entry(path), purged_ns=self._trash.purge_time_ns(path))
            for path in self._trash.files()
        ]
        return sorted(rows, key=lambda row: (row.from_ns, row.id), reverse=True)

    def path(self, name: str) -> Path | None:
        """Return the file of a recording that is not deleted; None if there is none of this name."""
        return next((entry.path for entry in self._recordings.entries() if entry.path.stem == name), None)

    def delete(self, name: str) -> bool:
        """Move a recording to the trash; return whether there was one of this name.

        Raises:
            UnavailableError: It is being recorded, or cannot be moved.
        """
        path = self.path(name)
        if path is None:
            return False
        self._trash.discard(path)
        self._recordings.invalidate(path)
        return True

    def restore(self, name: str) -> bool:
        """Restore a deleted recording; return whether there was one of this name.

        Raises:
            UnavailableError: It cannot be moved.
        """
        return self._trash.restore(name)

    def purge_trash(self) -> None:
        """Permanently remove recordings that were deleted more than 30 days ago."""
        self._trash.purge()

    def free_bytes(self) -> int | None:
        """Return the free space on the disk of the recordings; None if unknown."""
        for folder in self._recordings.folders:
            with contextlib.suppress(OSError):
                return shutil.disk_usage(folder if folder.exists() else folder.parent).free
        return None

    def _make_row(self, entry: SessionEntry, *, purged_ns: int | None = None) -> SessionRow:
        """Return the row of a recording; of a deleted one if ``purged_ns`` is given."""
        is_deleted = purged_ns is not None
        summary = entry.summary
        if summary is None:
            return SessionRow(
                id=entry.path.stem,
                night=None,
                origin=None,
                from_ns=0,
                to_ns=0,
                utc_offset_s=0,
                size_octets=entry.path.stat().st_size if entry.path.exists() else 0,
                sensors=[],
                state="deleted" if is_deleted else "unreadable",
                problem=entry.problem,
                purged_ns=purged_ns,
            )
        head = summary.head
        origin = session_origin(head.origin)
        to_ns = max(summary.ended_utc_ns or summary.last_utc_ns, head.started_utc_ns)
        return SessionRow(
            id=entry.path.stem,
            night=night_name(head.started_utc_ns, head.utc_offset_s, origin),
            origin=origin,
            from_ns=head.started_utc_ns,
            to_ns=to_ns,
            utc_offset_s=head.utc_offset_s,
            size_octets=summary.size_bytes,
            sensors=[sensor.sensor for sensor in summary.sensors],
            state="deleted" if is_deleted else _session_state(summary, self._clock_ns()),
            recorded_s=None if is_deleted else self._recorded_s(entry.path, head.started_utc_ns, to_ns),
            purged_ns=purged_ns,
        )

    def _recorded_s(self, path: Path, from_ns: int, to_ns: int) -> float | None:
        """Return for how many seconds at least one sensor had samples; None until the recording has been read."""
        covered = self._recordings.covered_ns(path)
        if covered is None:
            return None
        missing_ns = sum(end - start for start, end in gaps_ns(covered, from_ns=from_ns, to_ns=to_ns))
        return (to_ns - from_ns - missing_ns) / 1e9


def _session_state(summary: SessionSummary, now_ns: int) -> SessionState:
    if summary.ended_utc_ns is not None:
        return "ended"
    return "cut_short" if now_ns - summary.last_utc_ns > SILENT_NS else "recording"
