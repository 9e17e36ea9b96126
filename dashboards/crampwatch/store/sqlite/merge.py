"""What another SQLite store knows of one session, taken over into ours; what ours knows already stays."""

import sqlite3
from collections.abc import Callable
from typing import Final

from crampwatch.store.model.series import FIELDS
from crampwatch.store.sqlite.downsampled import Reader, refresh_tiers

__all__ = ["adopt"]

_OPEN_NS: Final = 86_400_000_000_000
"""A session without an end lasted no longer than this."""
_NEWER: Final = """ON CONFLICT DO UPDATE SET sensor = excluded.sensor, session = excluded.session,
t_ns = excluded.t_ns, end_ns = excluded.end_ns, status = excluded.status, rank = excluded.rank,
message = excluded.message WHERE excluded.rank > rank"""
_DOCUMENTS: Final = f"INSERT INTO main.document SELECT * FROM old.document WHERE {{}} {_NEWER}"  # noqa: S608 - our own words
_JUDGED: Final = _DOCUMENTS.format("measurement IN ('episode', 'session') AND session = ?")
_NOTED: Final = _DOCUMENTS.format("measurement = 'journal'")
"""All that the wearer noted: it is of no session."""
_NOTIFIED: Final = _DOCUMENTS.format("measurement = 'notice' AND sensor = ? AND t_ns BETWEEN ? AND ?")
_SOURCES: Final = """INSERT OR IGNORE INTO main.feature_source (sensor, session, boot_id, step_samples)
SELECT sensor, session, boot_id, step_samples FROM old.feature_source WHERE session = ?"""
_CHUNKS: Final = """INSERT OR IGNORE INTO main.feature_chunk SELECT ours.id, chunk, t_ns, step_ns, steps
FROM old.feature_chunk JOIN old.feature_source AS theirs ON source = theirs.id
JOIN main.feature_source AS ours USING (sensor, session, boot_id, step_samples) WHERE session = ?"""
_RAW: Final = "INSERT OR IGNORE INTO main.raw_chunk SELECT * FROM old.raw_chunk WHERE session = ?"
_READINGS: Final = """INSERT OR IGNORE INTO main.reading
SELECT * FROM old.reading WHERE sensor = ? AND t_ns BETWEEN ? AND ?"""


def adopt(database: sqlite3.Connection, session: str, reader_of: Callable[[str], Reader]) -> None:
    """Take over a session from the store attached as `old`, within the present transaction.

    Of documents the higher rank holds, as always; whatever else is there already stays.

    Args:
        database: Ours, of the same schema as the attached one.
        session: UUID.
        reader_of: Returns what reads a measurement, of which the tiers are made anew.
    """
    database.execute(_NOTED)
    for copy in (_JUDGED, _SOURCES, _CHUNKS, _RAW):
        database.execute(copy, (session,))
    spans = database.execute(
        "SELECT sensor, t_ns, coalesce(end_ns, t_ns + ?2) FROM main.document "
        "WHERE measurement = 'session' AND session = ?1",
        (session, _OPEN_NS),
    ).fetchall()
    for sensor, begin_ns, end_ns in spans:
        for copy in (_NOTIFIED, _READINGS):
            database.execute(copy, (sensor, begin_ns, end_ns))
        for measurement in FIELDS:
            refresh_tiers(database, measurement, sensor, [(begin_ns, end_ns)], reader_of(measurement))
