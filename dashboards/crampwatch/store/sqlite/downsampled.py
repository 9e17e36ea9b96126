"""The downsampled tiers of the SQLite store: made anew, within the same transaction, where something was written."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from crampwatch.store.model.downsampling import TierRows, empty_series, finer, runs, tier_rows, tiers_of, touched
from crampwatch.store.model.series import FIELDS, Series

__all__ = ["TIER_SCHEMA", "Reader", "read_tier", "refresh_tiers"]

TIER_SCHEMA: Final = """
CREATE TABLE tier (
    measurement TEXT NOT NULL, sensor TEXT NOT NULL, span_ns INTEGER NOT NULL, begin_ns INTEGER NOT NULL,
    "values" BLOB NOT NULL,
    PRIMARY KEY (measurement, sensor, span_ns, begin_ns)
) WITHOUT ROWID;
"""
"""`values`: float32, shape (channels, fields + 1), the last column how many values the row was made of."""
Reader = Callable[[sqlite3.Connection, str, str, int, int], Series]


def refresh_tiers(
    database: sqlite3.Connection, measurement: str, sensor: str, spans_ns: Iterable[tuple[int, int]], read: Reader
) -> None:
    """Make the rows of all tiers anew where moments within ``begin <= t <= end`` may have changed."""
    spans_ns = list(spans_ns)
    for span_ns in tiers_of(measurement):
        for since_ns, until_ns in runs(touched(spans_ns, span_ns), span_ns):
            under_ns = finer(measurement, span_ns)
            if under_ns is None:
                rows = tier_rows(read(database, sensor, measurement, since_ns, until_ns), span_ns)
            else:
                under = read_tier(database, measurement, sensor, under_ns, (since_ns, until_ns))
                rows = tier_rows(under.series, span_ns, counts=under.counts)
            _replace(database, (measurement, sensor, span_ns), rows, (since_ns, until_ns))


def read_tier(
    database: sqlite3.Connection, measurement: str, sensor: str, span_ns: int, within_ns: tuple[int, int]
) -> TierRows:
    """Return the rows of a tier that begin within ``since <= t < until``."""
    found = database.execute(
        'SELECT begin_ns, "values" FROM tier '
        "WHERE measurement = ? AND sensor = ? AND span_ns = ? AND begin_ns >= ? AND begin_ns < ? ORDER BY begin_ns",
        (measurement, sensor, span_ns, *within_ns),
    ).fetchall()
    if not found:
        return TierRows(empty_series(measurement), np.empty((0, 1)))
    names = FIELDS[measurement]
    widest = max(len(packed) for _, packed in found)
    values = np.frombuffer(b"".join(_padded(packed, widest) for _, packed in found), "<f4")
    values = values.reshape(len(found), -1, len(names) + 1).astype(np.float64)
    begins_ns = np.array([begin_ns for begin_ns, _ in found], dtype=np.int64)
    series = Series(begins_ns, {name: values[:, :, place] for place, name in enumerate(names)})
    return TierRows(series, np.nan_to_num(values[:, :, -1]))


def _replace(
    database: sqlite3.Connection, key: tuple[str, str, int], rows: TierRows, within_ns: tuple[int, int]
) -> None:
    database.execute(
        "DELETE FROM tier WHERE measurement = ? AND sensor = ? AND span_ns = ? AND begin_ns >= ? AND begin_ns < ?",
        (*key, *within_ns),
    )
    packed = np.stack([*rows.series.values.values(), rows.counts], axis=-1).astype("<f4")
    database.executemany(
        "INSERT INTO tier VALUES (?, ?, ?, ?, ?)",
        [(*key, begin_ns, row.tobytes()) for begin_ns, row in zip(rows.series.t_ns.tolist(), packed, strict=True)],
    )


def _padded(packed: bytes, octets: int) -> bytes:
    """Return a row with as many channels as others have."""
    missing = (octets - len(packed)) // 4
    return packed + np.full(missing, np.nan, "<f4").tobytes() if missing else packed
