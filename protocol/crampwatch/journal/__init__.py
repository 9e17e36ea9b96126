"""The session file: everything the collector received, in one SQLite file a session (docs/session-file.md)."""

from crampwatch.journal.listing import SessionEntry, list_sessions, read_session_entry, unfinished_sessions
from crampwatch.journal.reader import SessionReader
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
    "list_sessions",
    "read_session_entry",
    "unfinished_sessions",
]
