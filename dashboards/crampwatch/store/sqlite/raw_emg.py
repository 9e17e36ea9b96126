"""Raw EMG around episodes in the SQLite store: one row for each second of each stream."""

import sqlite3
import zlib
from typing import Any, Final

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.store.model.raw_excerpt import RawChunk, samples_per_chunk

__all__ = ["RAW_SCHEMA", "read_raw_chunks", "write_raw_chunk"]

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
_ZLIB_LEVEL: Final = 1
"""Level 6 would save 3 % more and take four times as long."""
_LONGEST_CHUNK_NS: Final = 2_000_000_000
"""More than the duration of any chunk (a second, somewhat longer for rates that are not whole numbers): chunks that
start earlier than this before a span cannot overlap it."""


def write_raw_chunk(database: sqlite3.Connection, new: RawChunk) -> None:
    """Store a chunk; samples stored earlier are not replaced, missing ones are filled in."""
    key = (new.sensor, new.boot_id, new.stream, new.chunk)
    row = database.execute(
        f"SELECT {_COLUMNS} FROM raw_chunk WHERE sensor = ? AND boot_id = ? AND stream = ? AND chunk = ?",  # noqa: S608 - constants of this module
        key,
    ).fetchone()
    chunk = new if row is None else _decode_row(row).filled_from(new)
    values = (chunk.t_ns, chunk.session, chunk.origin.value, chunk.rate_hz, chunk.unit, chunk.channels)
    database.execute(
        "INSERT OR REPLACE INTO raw_chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, *values, zlib.compress(_bytes_by_significance(chunk.packed), _ZLIB_LEVEL)),
    )


def read_raw_chunks(database: sqlite3.Connection, sensor: str, since_ns: int, until_ns: int) -> list[RawChunk]:
    """Return the chunks of a sensor that overlap a time span, ordered by time."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM raw_chunk WHERE sensor = ? AND t_ns > ? AND t_ns < ? ORDER BY t_ns, stream",  # noqa: S608 - constants of this module
        (sensor, since_ns - _LONGEST_CHUNK_NS, until_ns),
    )
    chunks = [_decode_row(row) for row in rows]
    return [one for one in chunks if one.t_ns + round(samples_per_chunk(one.rate_hz) * 1e9 / one.rate_hz) > since_ns]


def _decode_row(row: tuple[Any, ...]) -> RawChunk:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    packed = _bytes_by_value(zlib.decompress(values.pop("packed")))
    return RawChunk(**(values | {"packed": packed, "origin": Origin(values["origin"])}))


def _bytes_by_significance(packed: bytes) -> bytes:
    """Return all first bytes of the float32 values, then all second ones and so on, which zlib packs twice as well.

    Neighbouring samples have nearly the same sign, exponent and upper digits, so that these become long runs.
    """
    return np.frombuffer(packed, np.uint8).reshape(-1, 4).T.tobytes()


def _bytes_by_value(planes: bytes) -> bytes:
    return np.frombuffer(planes, np.uint8).reshape(4, -1).T.tobytes()
