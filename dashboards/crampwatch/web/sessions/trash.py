"""Session files on the shelf: listed, put aside for a while instead of deleted, taken back. Calls block."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from crampwatch.journal import SessionEntry, SessionSummary, session_entry
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.web.night.model.naming import night_name
from crampwatch.web.night.model.viewport import gaps_ns
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.sessions.schema import SessionRow, SessionState

__all__ = ["Shelf"]

_KEPT_S: Final = 30 * 86_400
"""Deleted recordings are removed for good after a month."""
_SILENT_NS: Final = 600_000_000_000
_COMPANIONS: Final = ("-wal", "-shm")


class Shelf:
    """The recordings of some folders; what is deleted goes to the folder `deleted` beside each.

    Args:
        recordings: The session files.
        clock_ns: UTC.
    """

    def __init__(self, recordings: Recordings, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._recordings = recordings
        self._clock_ns = clock_ns

    def rows(self) -> list[SessionRow]:
        """Return all recordings, deleted ones too, the newest first."""
        rows = [self._row(entry) for entry in self._recordings.entries()]
        rows += [self._row(session_entry(path), deleted=path) for path in self._deleted()]
        return sorted(rows, key=lambda row: (row.from_ns, row.id), reverse=True)

    def path(self, name: str) -> Path | None:
        """Return a recording's file; None where there is none."""
        return next((entry.path for entry in self._recordings.entries() if entry.path.stem == name), None)

    def delete(self, name: str) -> bool:
        """Put a recording aside; return whether there was one.

        Raises:
            UnavailableError: It is being recorded, or cannot be moved.
        """
        path = self.path(name)
        if path is None:
            return False
        if _is_written(path):
            raise UnavailableError(
                "This is being recorded now.", advice="End the recording first.", code="being_recorded"
            )
        self._move(path, path.parent.parent / "deleted")
        self._recordings.forget(path)
        return True

    def restore(self, name: str) -> bool:
        """Take a deleted recording back; return whether there was one.

        Raises:
            UnavailableError: It cannot be moved.
        """
        for path in self._deleted():
            if path.stem == name:
                self._move(path, path.parent.parent / "sessions")
                return True
        return False

    def purge(self) -> None:
        """Remove for good what was deleted long ago."""
        for path in self._deleted():
            if self._clock_ns() / 1e9 - path.stat().st_mtime > _KEPT_S:
                for part in _parts(path):
                    part.unlink(missing_ok=True)

    def free_octets(self) -> int | None:
        """Return how much room is left where recordings lie."""
        for folder in self._recordings.folders:
            with contextlib.suppress(OSError):
                return shutil.disk_usage(folder if folder.exists() else folder.parent).free
        return None

    def _deleted(self) -> Iterator[Path]:
        for folder in self._recordings.folders:
            yield from sorted((folder.parent / "deleted").glob("*.cws"))

    def _move(self, path: Path, folder: Path) -> None:
        if (folder / path.name).exists():
            raise UnavailableError(
                f"There is another {path.name} in {folder}.", advice="Move one of them away.", code="name_taken"
            )
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            for part in _parts(path):
                part.rename(folder / part.name)
            os.utime(folder / path.name)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be moved: {error.strerror or error}.", code="not_written") from error

    def _row(self, entry: SessionEntry, *, deleted: Path | None = None) -> SessionRow:
        purged_ns = None if deleted is None else round((deleted.stat().st_mtime + _KEPT_S) * 1e9)
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
                state="deleted" if deleted else "unreadable",
                problem=entry.problem,
                purged_ns=purged_ns,
            )
        head = summary.head
        origin = Origin(head.origin) if head.origin in set(Origin) else Origin.LIVE
        to_ns = max(summary.ended_utc_ns or summary.last_utc_ns, head.started_utc_ns)
        return SessionRow(
            id=entry.path.stem,
            night=night_name(head.started_utc_ns, head.utc_offset_s, origin),
            origin=origin,
            from_ns=head.started_utc_ns,
            to_ns=to_ns,
            utc_offset_s=head.utc_offset_s,
            size_octets=summary.size_octets,
            sensors=[sensor.sensor for sensor in summary.sensors],
            state="deleted" if deleted else _state(summary, self._clock_ns()),
            recorded_s=None if deleted else self._recorded_s(entry.path, head.started_utc_ns, to_ns),
            purged_ns=purged_ns,
        )

    def _recorded_s(self, path: Path, from_ns: int, to_ns: int) -> float | None:
        covered = self._recordings.covered_ns(path)
        if covered is None:
            return None
        missing = sum(end - begin for begin, end in gaps_ns(covered, from_ns=from_ns, to_ns=to_ns))
        return (to_ns - from_ns - missing) / 1e9


def _state(summary: SessionSummary, now_ns: int) -> SessionState:
    if summary.ended_utc_ns is not None:
        return "ended"
    return "cut_short" if now_ns - summary.last_utc_ns > _SILENT_NS else "recording"


def _parts(path: Path) -> list[Path]:
    """Return a session file and what SQLite keeps beside it."""
    beside = [path.with_name(path.name + suffix) for suffix in _COMPANIONS]
    return [path, *(part for part in beside if part.exists())]


def _is_written(path: Path) -> bool:
    """Whether a collector holds the session's lock (docs/session-file.md)."""
    lock = path.with_name(path.name + "-lock")
    if not lock.exists():
        return False
    connection = sqlite3.connect(lock, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False
