"""Lists the sessions in a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crampwatch.journal.reader import SessionReader
from crampwatch.journal.schema import SUFFIX
from crampwatch.journal.summary import SessionSummary
from crampwatch.protocol.errors import CrampwatchError

__all__ = ["SessionEntry", "list_sessions", "read_session_entry", "unfinished_sessions"]


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A file in the list of sessions.

    Attributes:
        path: The file.
        summary: Its contents; None if it cannot be read.
        problem: Why it cannot be read; empty if it can.
    """

    path: Path
    summary: SessionSummary | None
    problem: str = ""


def list_sessions(directory: Path) -> tuple[SessionEntry, ...]:
    """Return the session files of a folder, oldest first, including unreadable ones; empty if there is no folder."""
    return tuple(read_session_entry(path) for path in sorted(directory.glob(f"*{SUFFIX}")))


def unfinished_sessions(directory: Path) -> Iterator[SessionSummary]:
    """Yield the sessions that were not ended, newest first: interrupted ones, and the one being recorded."""
    for entry in reversed(list_sessions(directory)):
        if entry.summary is not None and entry.summary.ended_utc_ns is None:
            yield entry.summary


def read_session_entry(path: Path) -> SessionEntry:
    """Return the summary of a session file, or why it cannot be read."""
    try:
        with SessionReader(path) as reader:
            return SessionEntry(path, reader.summary())
    except CrampwatchError as error:
        return SessionEntry(path, None, str(error))
