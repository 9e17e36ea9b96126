"""The tables of a session file (docs/session-file.md) and how its connections are opened."""

import sqlite3
from pathlib import Path
from typing import Final

from crampwatch.journal.failure import translate_errors

__all__ = ["APPLICATION_ID", "SUFFIX", "VERSION", "connect_to_read", "connect_to_write", "is_session_file"]

APPLICATION_ID: Final = 0x43575331
"""``CWS1``, at octet 68 of the file: programs such as file(1) tell a session from any other SQLite file by it."""
VERSION: Final = 1
"""In ``user_version``. A reader refuses a greater one."""
SUFFIX: Final = ".cws"
_BUSY_S: Final = 5.0
_PAGE_OCTETS: Final = 8192
"""A batch of 0.2 s from two sensors (2 kB) fits a page, and a long night takes few pages to look through."""

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
    """Open a file for its one writer: in WAL mode, every commit on the disk before it returns.

    The connection may be used from any one thread at a time.
    """
    with translate_errors(path):
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size = {_PAGE_OCTETS}")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, not NORMAL: a commit then outlives a power cut, for 5 to 10 syncs a second off the event loop.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that is read only, and may be being written."""
    with translate_errors(path):
        uri = f"{path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
