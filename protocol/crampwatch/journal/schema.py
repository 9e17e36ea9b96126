"""Tables of a session file (docs/session-file.md), and how it is opened.

SQLite in WAL mode gives what a recording needs: a batch of records is written completely or not at all, a commit
survives the death of the process and of the machine, and readers never block the writer.
"""

import sqlite3
from pathlib import Path
from typing import Final

from crampwatch.journal.failure import translate_errors

__all__ = ["APPLICATION_ID", "SUFFIX", "VERSION", "connect_to_read", "connect_to_write", "is_session_file"]

APPLICATION_ID: Final = 0x43575331
"""``CWS1``, at byte 68 of the file: programs such as file(1) recognise a session by it."""
VERSION: Final = 1
"""In ``user_version``; a reader refuses a greater one."""
SUFFIX: Final = ".cws"
_BUSY_S: Final = 5.0
"""How long to wait for a lock; others hold one only while they fold the WAL into the file."""
_PAGE_BYTES: Final = 8192
"""A batch of 0.2 s from two sensors (2 kB) fits into a page, and few pages have to be read for a long night."""

TABLES: Final = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    session TEXT NOT NULL,
    started_utc_ns INTEGER NOT NULL,
    started_mono_ns INTEGER NOT NULL,
    utc_offset_s INTEGER NOT NULL,
    origin TEXT NOT NULL,
    software TEXT NOT NULL,
    ended_utc_ns INTEGER
);
CREATE TABLE epoch (
    epoch INTEGER PRIMARY KEY,
    anchor_utc_ns INTEGER NOT NULL,
    anchor_mono_ns INTEGER NOT NULL
);
CREATE TABLE sensor (
    key INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    profile TEXT NOT NULL,
    side TEXT NOT NULL,
    muscle TEXT NOT NULL
);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    sensor_key INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    mono_ns INTEGER NOT NULL,
    utc_ns INTEGER NOT NULL,
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob')
);
CREATE TABLE tally (
    sensor_key INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    records INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    PRIMARY KEY (sensor_key, kind)
) WITHOUT ROWID;
CREATE TABLE outbox (
    sensor_key INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
);
"""


def is_session_file(head: bytes, path: Path) -> bool:
    """Return whether a file is a session, by its first 100 bytes: SQLite's header with our application id.

    A file named so counts as one even if it is damaged: then the reader says what is wrong with it.
    """
    is_ours = head.startswith(b"SQLite format 3\0") and int.from_bytes(head[68:72]) == APPLICATION_ID
    return is_ours or path.suffix == SUFFIX


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open a file for its one writer, in WAL mode; each commit is on disk when it returns.

    The connection may be used from any thread, by one at a time.
    """
    with translate_errors(path):
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: a commit then survives a power cut, at the cost of 5 to 10 disk syncs a second.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file for reading, which another process may be writing."""
    with translate_errors(path):
        uri = f"{path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
