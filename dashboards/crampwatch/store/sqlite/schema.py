"""The tables of the SQLite store, their version, and how a store of an earlier version is brought up to date.

`PRAGMA user_version` holds the version. Version 1 had no tiers, version 2 no raw EMG; each migration is one
transaction, so that a store that is killed while it migrates has its earlier version still.
"""

import sqlite3
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import RecordingError
from crampwatch.store.model.series import FIELDS
from crampwatch.store.sqlite.downsampled import TIER_SCHEMA, refresh_tiers
from crampwatch.store.sqlite.raw_emg import RAW_SCHEMA
from crampwatch.store.sqlite.series import reader_of

__all__ = ["connect"]

_VERSION: Final = 3
_SCHEMA: Final = f"""
CREATE TABLE document (
    measurement TEXT NOT NULL, id TEXT NOT NULL, sensor TEXT NOT NULL, session TEXT,
    t_ns INTEGER NOT NULL, end_ns INTEGER, status TEXT, rank INTEGER NOT NULL, message BLOB NOT NULL,
    PRIMARY KEY (measurement, id)
) WITHOUT ROWID;
CREATE INDEX document_by_time ON document (measurement, t_ns);
CREATE TABLE reading (
    measurement TEXT NOT NULL, sensor TEXT NOT NULL, t_ns INTEGER NOT NULL, fields BLOB NOT NULL,
    PRIMARY KEY (measurement, sensor, t_ns)
) WITHOUT ROWID;
CREATE TABLE feature_source (
    id INTEGER PRIMARY KEY, sensor TEXT NOT NULL, session TEXT NOT NULL, boot_id INTEGER NOT NULL,
    step_samples INTEGER NOT NULL, UNIQUE (sensor, session, boot_id, step_samples)
);
CREATE TABLE feature_chunk (
    source INTEGER NOT NULL REFERENCES feature_source, chunk INTEGER NOT NULL,
    t_ns INTEGER NOT NULL, step_ns REAL NOT NULL, steps BLOB NOT NULL,
    UNIQUE (source, chunk)
);
CREATE INDEX feature_chunk_by_time ON feature_chunk (source, t_ns);
{TIER_SCHEMA}
{RAW_SCHEMA}
"""
_BUSY_TIMEOUT_S: Final = 5.0
"""A reader never waits in WAL mode; only a second writer, such as a restore, waits for the end of a transaction."""
_MIGRATED_SPAN_NS: Final = 3_600_000_000_000
"""Tiers of an old store are made an hour at a time, which bounds the memory for a store of years."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file, create its tables if it is new, and migrate it if it is of an earlier version.

    Raises:
        RecordingError: The file was written by a newer version of crampwatch.
        sqlite3.Error: The file cannot be opened, or `read_only` was given and there is nothing in it.
    """
    mode = "ro" if read_only else "rwc"
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", timeout=_BUSY_TIMEOUT_S, check_same_thread=False, uri=True
    )
    try:
        _prepare_tables(database, path, read_only)
    except BaseException:
        database.close()
        raise
    return database


def _prepare_tables(database: sqlite3.Connection, path: Path, read_only: bool) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise RecordingError(
            f"The store {path} has version {version}; this crampwatch understands versions up to {_VERSION}.",
            advice="Update crampwatch.",
        )
    if read_only:
        if version == 0:
            raise sqlite3.OperationalError("nothing was stored yet")
        return
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    if version == 0:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
    if version == 1:
        _add_tiers(database)
    if 1 <= version <= 2:
        database.executescript(f"BEGIN; {RAW_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")


def _add_tiers(database: sqlite3.Connection) -> None:
    """Migrate from version 1 to 2."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(TIER_SCHEMA)
        chunks = database.execute(
            "SELECT DISTINCT 'features', sensor, t_ns - t_ns % ?1 "
            "FROM feature_source JOIN feature_chunk ON source = id",
            (_MIGRATED_SPAN_NS,),
        ).fetchall()
        readings = database.execute(
            "SELECT DISTINCT measurement, sensor, t_ns - t_ns % ?1 FROM reading", (_MIGRATED_SPAN_NS,)
        ).fetchall()
        for measurement, sensor, start_ns in chunks + readings:
            if measurement in FIELDS:
                interval_ns = (start_ns, start_ns + _MIGRATED_SPAN_NS)
                refresh_tiers(database, measurement, sensor, [interval_ns], reader_of(measurement))
        database.execute("PRAGMA user_version=2")
