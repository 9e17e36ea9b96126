"""Copies one session from another SQLite store into ours; what ours has already is not replaced."""

import sqlite3
from collections.abc import Callable
from typing import Final

from crampwatch.store.model.series import FIELDS
from crampwatch.store.sqlite.downsampled import SeriesReader, refresh_tiers

__all__ = ["merge_session"]

_LONGEST_SESSION_NS: Final = 86_400_000_000_000
"""Assumed duration of a session without a recorded end: no night lasts longer than a day."""
# The other store is attached to our connection as `old`; ours is `main`.
_IF_NEWER: Final = """ON CONFLICT DO UPDATE SET sensor = excluded.sensor, session = excluded.session,
t_ns = excluded.t_ns, end_ns = excluded.end_ns, status = excluded.status, rank = excluded.rank,
message = excluded.message WHERE excluded.rank > rank"""
_COPY_DOCUMENTS: Final = f"INSERT INTO main.document SELECT * FROM old.document WHERE {{}} {_IF_NEWER}"  # noqa: S608 - constants of this module
_COPY_EPISODES: Final = _COPY_DOCUMENTS.format("measurement IN ('episode', 'session') AND session = ?")
_COPY_JOURNAL: Final = _COPY_DOCUMENTS.format("measurement = 'journal'")
"""The whole journal: its entries do not belong to a session."""
_COPY_NOTICES: Final = _COPY_DOCUMENTS.format("measurement = 'notice' AND sensor = ? AND t_ns BETWEEN ? AND ?")
_COPY_FEATURE_SOURCES: Final = """INSERT OR IGNORE INTO main.feature_source (sensor, session, boot_id, step_samples)
SELECT sensor, session, boot_id, step_samples FROM old.feature_source WHERE session = ?"""
_COPY_FEATURE_CHUNKS: Final = """INSERT OR IGNORE INTO main.feature_chunk SELECT ours.id, chunk, t_ns, step_ns, steps
FROM old.feature_chunk JOIN old.feature_source AS theirs ON source = theirs.id
JOIN main.feature_source AS ours USING (sensor, session, boot_id, step_samples) WHERE session = ?"""
_COPY_RAW_EMG: Final = "INSERT OR IGNORE INTO main.raw_chunk SELECT * FROM old.raw_chunk WHERE session = ?"
_COPY_READINGS: Final = """INSERT OR IGNORE INTO main.reading
SELECT * FROM old.reading WHERE sensor = ? AND t_ns BETWEEN ? AND ?"""


def merge_session(database: sqlite3.Connection, session: str, reader_of: Callable[[str], SeriesReader]) -> None:
    """Copy a session from the store attached as `old`, within the present transaction.

    Of documents the higher rank is stored, as always; everything else that is in our store already is left alone.

    Args:
        database: Our store, with the same schema as the attached one.
        session: UUID.
        reader_of: Returns the reader for a measurement, to recompute its tiers with.
    """
    database.execute(_COPY_JOURNAL)
    # Chunks refer to our ids of feature sources, so that sources come first.
    for copy in (_COPY_EPISODES, _COPY_FEATURE_SOURCES, _COPY_FEATURE_CHUNKS, _COPY_RAW_EMG):
        database.execute(copy, (session,))
    spans = database.execute(
        "SELECT sensor, t_ns, coalesce(end_ns, t_ns + ?2) FROM main.document "
        "WHERE measurement = 'session' AND session = ?1",
        (session, _LONGEST_SESSION_NS),
    ).fetchall()
    for sensor, start_ns, end_ns in spans:
        for copy in (_COPY_NOTICES, _COPY_READINGS):
            database.execute(copy, (sensor, start_ns, end_ns))
        for measurement in FIELDS:
            refresh_tiers(database, measurement, sensor, [(start_ns, end_ns)], reader_of(measurement))
