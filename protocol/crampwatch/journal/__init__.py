"""The session file: everything the collector received, one SQLite file per session (docs/session-file.md)."""

from crampwatch.journal.listing import SessionEntry, list_sessions, read_session_entry, unfinished_sessions
from crampwatch.journal.reader import SessionReader
from crampwatch.journal.schema import is_session_file
from crampwatch.journal.summary import SessionSummary, Tally
from crampwatch.journal.writer import SessionWriter
from crampwatch.protocol.anchor import Anchor

__all__ = [
    "Anchor",
    "SessionEntry",
    "SessionReader",
    "SessionSummary",
    "SessionWriter",
    "Tally",
    "is_session_file",
    "list_sessions",
    "read_session_entry",
    "unfinished_sessions",
]
