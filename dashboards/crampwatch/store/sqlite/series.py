"""Features and readings in the SQLite store: packed steps in `feature_chunk`, one row for each reading in `reading`."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from crampwatch.protocol.messages import Features, SensorInfo
from crampwatch.store.model.downsampling import TIERS_NS
from crampwatch.store.model.feature_chunk import STEPS, FeatureChunk, split_into_chunks, unpack_steps
from crampwatch.store.model.interface import FOREVER_NS
from crampwatch.store.model.points import Reading
from crampwatch.store.model.series import FIELDS, Series
from crampwatch.store.sqlite.downsampled import SeriesReader, read_tier

__all__ = ["measure_monitored_time", "reader_of", "write_features", "write_reading"]

_LONGEST_CHUNK_NS: Final = 60_000_000_000
"""More than the duration of any chunk: 48 steps of a tenth of a second take 4.8 s. Chunks that start earlier than this
before a span cannot overlap it."""


def write_reading(database: sqlite3.Connection, reading: Reading) -> None:
    """Store a reading."""
    database.execute(
        "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)",
        (reading.measurement, reading.sensor, reading.t_ns, msgspec.json.encode(reading.fields)),
    )


def write_features(database: sqlite3.Connection, written: Iterable[Features]) -> dict[str, list[tuple[int, int]]]:
    """Store feature steps; return by sensor the first and last moment of each chunk that was touched."""
    chunks: dict[tuple[int, int], FeatureChunk] = {}
    sensors: dict[int, str] = {}
    for message in written:
        source = _source_id(database, message)
        sensors[source] = message.sensor
        for part in split_into_chunks(message):
            key = (source, part.chunk)
            if key not in chunks:
                chunks[key] = _read_chunk(database, key) or FeatureChunk.empty(len(message.channels))
            chunks[key].insert(part)
    database.executemany(
        "INSERT OR REPLACE INTO feature_chunk VALUES (?, ?, ?, ?, ?)",
        [(*key, chunk.t_ns, chunk.step_ns, chunk.encode()) for key, chunk in chunks.items()],
    )
    intervals_ns: dict[str, list[tuple[int, int]]] = {}
    for (source, _), chunk in chunks.items():
        interval_ns = (chunk.t_ns, chunk.t_ns + round(chunk.step_ns * STEPS))
        intervals_ns.setdefault(sensors[source], []).append(interval_ns)
    return intervals_ns


def reader_of(measurement: str) -> SeriesReader:
    """Return the function that reads the series of a measurement."""
    return _read_features if measurement == "features" else _read_readings


def measure_monitored_time(database: sqlite3.Connection, info: SensorInfo) -> tuple[int, float]:
    """Return until when features of a recording are stored (UTC, ns), and for how many seconds there was a signal.

    Both come from the fine tier: a night has 100 times fewer of its rows than steps.
    """
    span_ns = TIERS_NS[0]
    until_ns = FOREVER_NS if info.ended_ns is None else info.ended_ns
    rows = read_tier(database, "features", info.sensor, span_ns, (info.started_ns - span_ns, until_ns))
    step = database.execute(
        "SELECT step_ns FROM feature_source JOIN feature_chunk ON source = id WHERE sensor = ? AND session = ? LIMIT 1",
        (info.sensor, info.session),
    ).fetchone()
    if step is None or not len(rows.series):
        return info.started_ns, 0.0
    return int(rows.series.t_ns[-1]) + span_ns, float(rows.counts.sum(axis=0).max()) * step[0] / 1e9


def _source_id(database: sqlite3.Connection, message: Features) -> int:
    key = (message.sensor, message.session, message.boot_id, message.step_samples)
    found = database.execute(
        "SELECT id FROM feature_source WHERE sensor = ? AND session = ? AND boot_id = ? AND step_samples = ?", key
    ).fetchone()
    if found is None:
        row = database.execute(
            "INSERT INTO feature_source (sensor, session, boot_id, step_samples) VALUES (?, ?, ?, ?)", key
        ).lastrowid
        assert row is not None
        return row
    return int(found[0])


def _read_chunk(database: sqlite3.Connection, key: tuple[int, int]) -> FeatureChunk | None:
    row = database.execute(
        "SELECT t_ns, step_ns, steps FROM feature_chunk WHERE source = ? AND chunk = ?", key
    ).fetchone()
    return None if row is None else FeatureChunk.decode(*row)


def _read_features(
    database: sqlite3.Connection, sensor: str, _measurement: str, since_ns: int, until_ns: int
) -> Series:
    rows = database.execute(
        "SELECT t_ns, step_ns, steps FROM feature_source JOIN feature_chunk ON source = id "
        "WHERE sensor = ? AND t_ns < ? AND t_ns > ? ORDER BY t_ns",
        (sensor, until_ns, since_ns - _LONGEST_CHUNK_NS),
    )
    t_ns, values = unpack_steps(rows.fetchall())
    order = np.argsort(t_ns, kind="stable")
    order = order[(t_ns[order] >= since_ns) & (t_ns[order] < until_ns)]
    return Series(t_ns[order], {name: values[order, :, column] for column, name in enumerate(FIELDS["features"])})


def _read_readings(database: sqlite3.Connection, sensor: str, measurement: str, since_ns: int, until_ns: int) -> Series:
    rows = database.execute(
        "SELECT t_ns, fields FROM reading "
        "WHERE measurement = ? AND sensor = ? AND t_ns >= ? AND t_ns < ? ORDER BY t_ns",
        (measurement, sensor, since_ns, until_ns),
    ).fetchall()
    decoded = [msgspec.json.decode(fields, type=dict[str, object]) for _, fields in rows]
    columns = {name: [fields.get(name, np.nan) for fields in decoded] for name in FIELDS[measurement]}
    values = {name: np.array(column, dtype=np.float64).reshape(-1, 1) for name, column in columns.items()}
    return Series(np.array([t_ns for t_ns, _ in rows], dtype=np.int64), values)
