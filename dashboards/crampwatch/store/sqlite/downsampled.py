"""The downsampled tiers of the SQLite store: recomputed, in the same transaction, wherever something was written."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from crampwatch.store.model.downsampling import (
    TierRows,
    contiguous_runs,
    downsample,
    empty_series,
    source_tier,
    tier_spans,
    touched_spans,
)
from crampwatch.store.model.series import FIELDS, Series

__all__ = ["TIER_SCHEMA", "SeriesReader", "read_tier", "refresh_tiers"]

TIER_SCHEMA: Final = """
CREATE TABLE tier (
    measurement TEXT NOT NULL, sensor TEXT NOT NULL, span_ns INTEGER NOT NULL, begin_ns INTEGER NOT NULL,
    "values" BLOB NOT NULL,
    PRIMARY KEY (measurement, sensor, span_ns, begin_ns)
) WITHOUT ROWID;
"""
"""`values`: float32, shape (channels, fields + 1); the last column holds how many values the row was made of."""
SeriesReader = Callable[[sqlite3.Connection, str, str, int, int], Series]
"""Reads a series: connection, sensor, measurement, ``since_ns <= t < until_ns``."""


def refresh_tiers(
    database: sqlite3.Connection,
    measurement: str,
    sensor: str,
    intervals_ns: Iterable[tuple[int, int]],
    read: SeriesReader,
) -> None:
    """Recompute the rows of all tiers whose spans overlap an interval ``first <= t <= last``."""
    intervals_ns = list(intervals_ns)
    for span_ns in tier_spans(measurement):  # finest first: the coarse tier is made from the fine one
        for since_ns, until_ns in contiguous_runs(touched_spans(intervals_ns, span_ns), span_ns):
            source_ns = source_tier(measurement, span_ns)
            if source_ns is None:
                rows = downsample(read(database, sensor, measurement, since_ns, until_ns), span_ns)
            else:
                finer = read_tier(database, measurement, sensor, source_ns, (since_ns, until_ns))
                rows = downsample(finer.series, span_ns, counts=finer.counts)
            _replace_rows(database, (measurement, sensor, span_ns), rows, (since_ns, until_ns))


def read_tier(
    database: sqlite3.Connection, measurement: str, sensor: str, span_ns: int, within_ns: tuple[int, int]
) -> TierRows:
    """Return the rows of a tier whose spans start within ``since <= t < until``."""
    found = database.execute(
        'SELECT begin_ns, "values" FROM tier '
        "WHERE measurement = ? AND sensor = ? AND span_ns = ? AND begin_ns >= ? AND begin_ns < ? ORDER BY begin_ns",
        (measurement, sensor, span_ns, *within_ns),
    ).fetchall()
    if not found:
        return TierRows(empty_series(measurement), np.empty((0, 1)))
    names = FIELDS[measurement]
    widest = max(len(packed) for _, packed in found)
    values = np.frombuffer(b"".join(_pad_channels(packed, widest) for _, packed in found), "<f4")
    values = values.reshape(len(found), -1, len(names) + 1).astype(np.float64)
    starts_ns = np.array([start_ns for start_ns, _ in found], dtype=np.int64)
    series = Series(starts_ns, {name: values[:, :, column] for column, name in enumerate(names)})
    return TierRows(series, np.nan_to_num(values[:, :, -1]))


def _replace_rows(
    database: sqlite3.Connection, key: tuple[str, str, int], rows: TierRows, within_ns: tuple[int, int]
) -> None:
    database.execute(
        "DELETE FROM tier WHERE measurement = ? AND sensor = ? AND span_ns = ? AND begin_ns >= ? AND begin_ns < ?",
        (*key, *within_ns),
    )
    packed = np.stack([*rows.series.values.values(), rows.counts], axis=-1).astype("<f4")
    database.executemany(
        "INSERT INTO tier VALUES (?, ?, ?, ?, ?)",
        [(*key, start_ns, row.tobytes()) for start_ns, row in zip(rows.series.t_ns.tolist(), packed, strict=True)],
    )


def _pad_channels(packed: bytes, length: int) -> bytes:
    """Return an encoded row padded with NaN channels to `length` bytes."""
    missing = (length - len(packed)) // 4
    return packed + np.full(missing, np.nan, "<f4").tobytes() if missing else packed
