"""The trash: deleted session files, which can be restored for 30 days. Calls block.

Deleting moves a file from ``sessions`` to ``deleted`` beside it, restoring moves it back; both are a rename on the
same disk. The time of the move becomes the file's modification time, so the 30 days need no other bookkeeping and
survive backups and restarts.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import UnavailableError

__all__ = ["Trash"]

_RETENTION_S: Final = 30 * 86_400
"""Deleted recordings are removed permanently after this; the page says until when each can be restored."""
_COMPANIONS: Final = ("-wal", "-shm")
"""Suffixes of the files that SQLite has beside a database that was not closed."""


class Trash:
    """Deleted session files: a folder ``deleted`` beside each folder of recordings.

    Args:
        folders: Folders of recordings.
        clock_ns: Returns the time, UTC.
    """

    def __init__(self, folders: tuple[Path, ...], *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._folders = folders
        self._clock_ns = clock_ns

    def files(self) -> Iterator[Path]:
        """Yield the deleted files."""
        for folder in self._folders:
            yield from sorted((folder.parent / "deleted").glob("*.cws"))

    def purge_time_ns(self, path: Path) -> int:
        """Return when a deleted file will be removed permanently, UTC."""
        return round((path.stat().st_mtime + _RETENTION_S) * 1e9)

    def discard(self, path: Path) -> None:
        """Move a recording to the trash.

        Raises:
            UnavailableError: It is being recorded, or cannot be moved.
        """
        if _is_being_recorded(path):
            raise UnavailableError(
                "This is being recorded now.", advice="Stop the recording first.", code="being_recorded"
            )
        _move_session(path, path.parent.parent / "deleted")

    def restore(self, name: str) -> bool:
        """Move a deleted recording back; return whether there was one of this name.

        Raises:
            UnavailableError: It cannot be moved.
        """
        for path in self.files():
            if path.stem == name:
                _move_session(path, path.parent.parent / "sessions")
                return True
        return False

    def purge(self) -> None:
        """Permanently remove what was deleted more than 30 days ago."""
        for path in self.files():
            if self._clock_ns() / 1e9 - path.stat().st_mtime > _RETENTION_S:
                for part in _session_files(path):
                    part.unlink(missing_ok=True)


def _move_session(path: Path, folder: Path) -> None:
    if (folder / path.name).exists():
        raise UnavailableError(
            f"There is another {path.name} in {folder}.", advice="Move one of them away.", code="name_taken"
        )
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        for part in _session_files(path):
            part.rename(folder / part.name)
        os.utime(folder / path.name)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be moved: {error.strerror or error}.", code="not_written") from error


def _session_files(path: Path) -> list[Path]:
    """Return a session file and its companions."""
    companions = [path.with_name(path.name + suffix) for suffix in _COMPANIONS]
    return [path, *(one for one in companions if one.exists())]


def _is_being_recorded(path: Path) -> bool:
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
