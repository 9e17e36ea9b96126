"""Raw EMG around episodes in the SQLite store: a row a second and stream."""

import sqlite3
import zlib
from typing import Any, Final

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.store.model.raw_excerpt import RawChunk, chunk_samples

__all__ = ["RAW_SCHEMA", "read_raw", "write_raw"]

RAW_SCHEMA: Final = """
CREATE TABLE raw_chunk (
    sensor TEXT NOT NULL, boot_id INTEGER NOT NULL, stream INTEGER NOT NULL, chunk INTEGER NOT NULL,
    t_ns INTEGER NOT NULL, session TEXT NOT NULL, origin TEXT NOT NULL, rate_hz REAL NOT NULL, unit TEXT NOT NULL,
    channels INTEGER NOT NULL, packed BLOB NOT NULL,
    PRIMARY KEY (sensor, boot_id, stream, chunk)
);
CREATE INDEX raw_chunk_by_time ON raw_chunk (sensor, t_ns);
"""
_COLUMNS: Final = "sensor, boot_id, stream, chunk, t_ns, session, origin, rate_hz, unit, channels, packed"
_LEVEL: Final = 1
"""Of zlib: a level of 6 saves 3 % more and takes four times as long."""


def write_raw(database: sqlite3.Connection, told: RawChunk) -> None:
    """Keep a second; what is known of it already stays, and what it lacked is filled."""
    key = (told.sensor, told.boot_id, told.stream, told.chunk)
    row = database.execute(
        f"SELECT {_COLUMNS} FROM raw_chunk WHERE sensor = ? AND boot_id = ? AND stream = ? AND chunk = ?",  # noqa: S608 - our own names
        key,
    ).fetchone()
    kept = told if row is None else _chunk(row).filled_by(told)
    values = (kept.t_ns, kept.session, kept.origin.value, kept.rate_hz, kept.unit, kept.channels)
    database.execute(
        "INSERT OR REPLACE INTO raw_chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, *values, zlib.compress(_by_plane(kept.packed), _LEVEL)),
    )


def read_raw(database: sqlite3.Connection, sensor: str, since_ns: int, until_ns: int) -> list[RawChunk]:
    """Return the seconds of a sensor that reach into a span, by time."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM raw_chunk WHERE sensor = ? AND t_ns > ? AND t_ns < ? ORDER BY t_ns, stream",  # noqa: S608 - our own names
        (sensor, since_ns - 2_000_000_000, until_ns),
    )
    chunks = [_chunk(row) for row in rows]
    return [one for one in chunks if one.t_ns + round(chunk_samples(one.rate_hz) * 1e9 / one.rate_hz) > since_ns]


def _chunk(row: tuple[Any, ...]) -> RawChunk:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    packed = _by_value(zlib.decompress(values.pop("packed")))
    return RawChunk(**(values | {"packed": packed, "origin": Origin(values["origin"])}))


def _by_plane(packed: bytes) -> bytes:
    """Return all first octets of the values, then all second ones and so on, which packs twice as well."""
    return np.frombuffer(packed, np.uint8).reshape(-1, 4).T.tobytes()


def _by_value(planes: bytes) -> bytes:
    return np.frombuffer(planes, np.uint8).reshape(4, -1).T.tobytes()
