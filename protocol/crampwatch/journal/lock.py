"""One writer a session file."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from crampwatch.journal.failure import translate_errors
from crampwatch.protocol.errors import UnavailableError

__all__ = ["WriterLock"]


class WriterLock:
    """Held by the process that writes a session; the operating system drops it when the process dies.

    It is SQLite's own exclusive lock on an empty database beside the file: a lock file that needs no code for each
    platform and leaves the session free for readers.

    Args:
        path: The session file.

    Raises:
        UnavailableError: Another process writes this session.
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
                advice="Only one collector records a session: stop the other one first.",
            ) from error

    def release(self) -> None:
        """Let others write. Called twice, the second does nothing."""
        self._connection.close()
        with suppress(OSError):  # the lock is free already: an empty file left behind harms nobody
            self._path.unlink(missing_ok=True)
