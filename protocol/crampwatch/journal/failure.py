"""Translates errors of SQLite into ones that a person can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError

__all__ = ["translate_errors"]

_PRIMARY: Final = 0xFF
"""Extended result codes have the primary code in their low byte."""


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the operating system as ours, about the file `path`.

    Raises:
        UnavailableError: Disk full or failing, no permission, in use.
        RecordingError: Not a session file, or a damaged one.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(path, error) from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be used: {error.strerror or error}.") from error


def _translated(path: Path, error: sqlite3.Error) -> CrampwatchError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            f"The disk that holds {path} is full; what was recorded until now is safe.",
            advice="Free some space: recording then continues by itself; sensors store their last minutes meanwhile.",
            code="no_room",
        )
    if code == sqlite3.SQLITE_IOERR:
        return UnavailableError(
            f"The disk that holds {path} fails ({error}); what was recorded until now is safe.",
            advice="Check that the disk is connected, has free space and is healthy.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnavailableError(
            f"{path} is locked by another program.", advice="Close that program, or wait until it has finished."
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return UnavailableError(
            f"{path} cannot be opened ({error}).",
            advice="Check that it exists and that you have permission. A session that was interrupted needs a writable "
            "folder, with its -wal file beside it.",
        )
    return RecordingError(
        f"{path} is not a readable session file ({error}).",
        advice="It may be damaged, truncated or another kind of file; `crampwatch sessions` lists sessions.",
        code="unreadable",
    )
