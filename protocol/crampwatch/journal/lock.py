"""Makes sure that a session file has one writer."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from crampwatch.journal.failure import translate_errors
from crampwatch.protocol.errors import UnavailableError

__all__ = ["WriterLock"]


class WriterLock:
    """Lock held by the process that writes a session; the operating system releases it when the process dies.

    It is SQLite's own exclusive lock on an empty database beside the file. So it needs no code per platform, cannot go
    stale, and does not block readers of the session.

    Args:
        path: The session file.

    Raises:
        UnavailableError: Another process is writing this session.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-lock")
        with translate_errors(self._path):
            self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with translate_errors(self._path):
                self._connection.execute("BEGIN EXCLUSIVE")
        except UnavailableError as error:
            self._connection.close()
            raise UnavailableError(
                f"{path} is being written by another process.",
                advice="Only one collector can record a session: stop the other one first.",
            ) from error

    def release(self) -> None:
        """Release the lock; does nothing the second time."""
        self._connection.close()
        with suppress(OSError):  # the lock is free already, and an empty file left behind does no harm
            self._path.unlink(missing_ok=True)
