"""The store in one SQLite file: what runs when no database is configured.

A write is one transaction, on the disk when it returns (WAL with ``synchronous=FULL``). Readers in other processes
never wait for the writer, nor it for them.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np
from crampwatch.protocol import messages
from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.model.downsampling import TIERS_NS, coarsest
from crampwatch.store.model.feature_chunk import STEPS, FeatureChunk, known_steps, parts_of
from crampwatch.store.model.interface import FOREVER_NS, RejectedError
from crampwatch.store.model.night_summary import Night, summed_up
from crampwatch.store.model.points import Document, Reading, document_of, readings_of
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import FIELDS, Series, thinned
from crampwatch.store.sqlite.downsampled import TIER_SCHEMA, Reader, read_tier, refresh_tiers
from crampwatch.store.sqlite.merge import adopt
from crampwatch.store.sqlite.raw import RAW_SCHEMA, read_raw, write_raw

__all__ = ["SqliteStore"]

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
_BUSY_S: Final = 5.0
_MIGRATED_NS: Final = 3_600_000_000_000
_CHUNK_NS: Final = 60_000_000_000
"""Longer than any chunk: 48 steps of a tenth of a second take 4.8 s."""
AnyMessage = TypeVar("AnyMessage", bound=Message)


class SqliteStore:
    """A store in a file, made where absent.

    Args:
        path: The file.
        read_only: Neither make nor change it.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def write(self, messages: Iterable[Message]) -> None:
        """Keep messages in one transaction, on the disk when this returns."""
        try:
            with self._used() as database, database:
                _write_all(database, messages)
        except OverflowError as error:
            raise RejectedError(f"A number does not fit into {self._path}: {error}.") from error

    def episodes(
        self,
        *,
        since_ns: int = 0,
        until_ns: int = FOREVER_NS,
        sensor: str | None = None,
        session: str | None = None,
        with_retracted: bool = False,
    ) -> list[Episode]:
        """Return the revision that holds of each episode that lasted at any time within a span, by onset."""
        return self._documents(
            "episode",
            Episode,
            span_ns=(since_ns, until_ns),
            sensor=sensor,
            session=session,
            with_retracted=with_retracted,
        )

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return a measurement of a sensor within ``since <= t < until``, of the coarsest tier that is fine enough."""
        tier_ns = coarsest(measurement, since_ns=since_ns, until_ns=until_ns, max_points=max_points)
        counts = None
        with self._used() as database:
            if tier_ns is None:
                series = _reader_of(measurement)(database, sensor, measurement, since_ns, until_ns)
            else:
                rows = read_tier(database, measurement, sensor, tier_ns, (since_ns - tier_ns + 1, until_ns))
                series, counts = rows.from_(since_ns), rows.counts
        if not len(series):
            return series
        return thinned(series, since_ns=since_ns, until_ns=until_ns, max_points=max_points, counts=counts)

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording began within a span, by begin."""
        infos = [info for info in self.sessions(sensor=sensor) if since_ns <= info.started_ns < until_ns]
        journal = [entry for entry in self.journal() if entry.entry == "factor"] if infos else []
        return [self._night(info, journal) for info in infos]

    def raw(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG that was kept of a span, by time."""
        with self._used() as database:
            return read_raw(database, sensor, since_ns, until_ns)

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a span, by time."""
        return self._documents("notice", Notice, span_ns=(since_ns, until_ns), sensor=sensor)

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return what the wearer noted within a span, by time."""
        return self._documents("journal", JournalEntry, span_ns=(since_ns, until_ns), sensor=sensor)

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return what is known of each sensor in each session, by begin."""
        return self._documents("session", SensorInfo, sensor=sensor)

    def sensors(self) -> list[SensorInfo]:
        """Return each sensor as it introduced itself last, by id."""
        newest = {info.sensor: info for info in self.sessions()}
        return [newest[sensor] for sensor in sorted(newest)]

    def adopt(self, other: Path, session: str) -> None:
        """Take over what another store knows of a session, in one transaction; what is known already stays.

        Args:
            other: An SQLite store, of this version; nobody writes to it.
            session: UUID.
        """
        with self._used() as database:
            database.execute("ATTACH ? AS old", (f"{other.absolute().as_uri()}?mode=ro",))
            try:
                with database:
                    database.execute("BEGIN IMMEDIATE")
                    adopt(database, session, _reader_of)
            finally:
                database.execute("DETACH old")

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _night(self, info: SensorInfo, journal: list[JournalEntry]) -> Night:
        found = self.episodes(sensor=info.sensor, session=info.session, since_ns=info.started_ns)
        episodes = [
            (one.kind, None if one.offset_ns is None else (one.offset_ns - one.onset_ns) / 1e9) for one in found
        ]
        with self._used() as database:
            newest_ns, monitored_s = _monitored(database, info)
        end_ns = newest_ns if info.ended_ns is None else info.ended_ns
        return summed_up(info, episodes, end_ns=end_ns, monitored_s=monitored_s, journal=journal)

    def _documents(
        self,
        measurement: str,
        kind: type[AnyMessage],
        *,
        span_ns: tuple[int, int] = (0, FOREVER_NS),
        sensor: str | None,
        session: str | None = None,
        with_retracted: bool = True,
    ) -> list[AnyMessage]:
        with self._used() as database:
            rows = database.execute(
                "SELECT message FROM document WHERE measurement = ?1 AND t_ns < ?2 AND coalesce(end_ns, ?3) >= ?4 "
                "AND (?5 IS NULL OR sensor = ?5) AND (?6 IS NULL OR session = ?6) AND (?7 OR status != 'retracted') "
                "ORDER BY t_ns, id",
                (measurement, span_ns[1], FOREVER_NS, span_ns[0], sensor, session, with_retracted),
            )
            return [messages.decode(row[0], kind) for row in rows]

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread; tell SQLite's errors in our words."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _opened(self._path, self._read_only)
                yield self._connection
            except (sqlite3.DatabaseError, OSError) as error:
                raise self._told(error) from error

    def _told(self, error: sqlite3.DatabaseError | OSError) -> CrampwatchError:
        if isinstance(error, (sqlite3.OperationalError, OSError)):
            return UnavailableError(
                f"The store {self._path} cannot be used: {error}.",
                advice="Check the free space and permissions of its folder.",
            )
        return RecordingError(
            f"{self._path} is not an intact store of crampwatch: {error}.",
            advice="Restore it from a backup, or move it away to begin a new one; the session files are not affected.",
        )


def _opened(path: Path, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", timeout=_BUSY_S, check_same_thread=False, uri=True
    )
    try:
        _prepare(database, path, read_only)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path, read_only: bool) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise RecordingError(
            f"The store {path} has version {version}; up to {_VERSION} is understood.", advice="Update crampwatch."
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
    """Give a store of version 1 its tiers."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(TIER_SCHEMA)
        chunks = database.execute(
            "SELECT DISTINCT 'features', sensor, t_ns - t_ns % ?1 "
            "FROM feature_source JOIN feature_chunk ON source = id",
            (_MIGRATED_NS,),
        ).fetchall()
        readings = database.execute(
            "SELECT DISTINCT measurement, sensor, t_ns - t_ns % ?1 FROM reading", (_MIGRATED_NS,)
        ).fetchall()
        for measurement, sensor, begin_ns in chunks + readings:
            if measurement in FIELDS:
                span_ns = (begin_ns, begin_ns + _MIGRATED_NS)
                refresh_tiers(database, measurement, sensor, [span_ns], _reader_of(measurement))
        database.execute("PRAGMA user_version=2")


def _write_all(database: sqlite3.Connection, written: Iterable[Message]) -> None:
    features: list[Features] = []
    touched: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for message in written:
        document = document_of(message)
        if isinstance(message, Features):
            features.append(message)
        elif isinstance(message, RawChunk):
            write_raw(database, message)
        elif document is not None:
            _write_document(database, document)
        else:
            for reading in readings_of(message):
                _write_reading(database, reading)
                touched.setdefault((reading.measurement, reading.sensor), []).append((reading.t_ns, reading.t_ns))
    for sensor, spans_ns in _write_features(database, features).items():
        touched["features", sensor] = spans_ns
    for (measurement, sensor), spans_ns in touched.items():
        if measurement in FIELDS:
            refresh_tiers(database, measurement, sensor, spans_ns, _reader_of(measurement))


def _write_document(database: sqlite3.Connection, document: Document) -> None:
    database.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sensor = excluded.sensor, "
        "session = excluded.session, t_ns = excluded.t_ns, end_ns = excluded.end_ns, status = excluded.status, "
        "rank = excluded.rank, message = excluded.message WHERE excluded.rank > rank",
        (
            document.measurement,
            document.id,
            document.sensor,
            document.fields.get("session"),
            document.t_ns,
            document.end_ns,
            document.fields.get("status"),
            document.rank,
            messages.encode(document.message),
        ),
    )


def _write_reading(database: sqlite3.Connection, reading: Reading) -> None:
    database.execute(
        "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)",
        (reading.measurement, reading.sensor, reading.t_ns, msgspec.json.encode(reading.fields)),
    )


def _write_features(database: sqlite3.Connection, written: Iterable[Features]) -> dict[str, list[tuple[int, int]]]:
    """Write feature steps; return by sensor the first and last moment of each chunk that was touched."""
    chunks: dict[tuple[int, int], FeatureChunk] = {}
    sensors: dict[int, str] = {}
    for message in written:
        source = _source_of(database, message)
        sensors[source] = message.sensor
        for part in parts_of(message):
            key = (source, part.chunk)
            if key not in chunks:
                chunks[key] = _chunk_at(database, key) or FeatureChunk.empty(len(message.channels))
            chunks[key].take(part)
    database.executemany(
        "INSERT OR REPLACE INTO feature_chunk VALUES (?, ?, ?, ?, ?)",
        [(*key, chunk.t_ns, chunk.step_ns, chunk.packed()) for key, chunk in chunks.items()],
    )
    spans_ns: dict[str, list[tuple[int, int]]] = {}
    for (source, _), chunk in chunks.items():
        spans_ns.setdefault(sensors[source], []).append((chunk.t_ns, chunk.t_ns + round(chunk.step_ns * STEPS)))
    return spans_ns


def _source_of(database: sqlite3.Connection, message: Features) -> int:
    key = (message.sensor, message.session, message.boot_id, message.step_samples)
    known = database.execute(
        "SELECT id FROM feature_source WHERE sensor = ? AND session = ? AND boot_id = ? AND step_samples = ?", key
    ).fetchone()
    if known is None:
        row = database.execute(
            "INSERT INTO feature_source (sensor, session, boot_id, step_samples) VALUES (?, ?, ?, ?)", key
        ).lastrowid
        assert row is not None
        return row
    return int(known[0])


def _chunk_at(database: sqlite3.Connection, key: tuple[int, int]) -> FeatureChunk | None:
    row = database.execute(
        "SELECT t_ns, step_ns, steps FROM feature_chunk WHERE source = ? AND chunk = ?", key
    ).fetchone()
    return None if row is None else FeatureChunk.unpacked(*row)


def _monitored(database: sqlite3.Connection, info: SensorInfo) -> tuple[int, float]:
    """Return until when features of a recording are known, and for how long there was a signal."""
    until_ns = FOREVER_NS if info.ended_ns is None else info.ended_ns
    rows = read_tier(database, "features", info.sensor, TIERS_NS[0], (info.started_ns - TIERS_NS[0], until_ns))
    step = database.execute(
        "SELECT step_ns FROM feature_source JOIN feature_chunk ON source = id WHERE sensor = ? AND session = ? LIMIT 1",
        (info.sensor, info.session),
    ).fetchone()
    if step is None or not len(rows.series):
        return info.started_ns, 0.0
    return int(rows.series.t_ns[-1]) + TIERS_NS[0], float(rows.counts.sum(axis=0).max()) * step[0] / 1e9


def _reader_of(measurement: str) -> Reader:
    return _read_features if measurement == "features" else _read_readings


def _read_features(
    database: sqlite3.Connection, sensor: str, _measurement: str, since_ns: int, until_ns: int
) -> Series:
    rows = database.execute(
        "SELECT t_ns, step_ns, steps FROM feature_source JOIN feature_chunk ON source = id "
        "WHERE sensor = ? AND t_ns < ? AND t_ns > ? ORDER BY t_ns",
        (sensor, until_ns, since_ns - _CHUNK_NS),
    )
    t_ns, values = known_steps(rows.fetchall())
    order = np.argsort(t_ns, kind="stable")
    order = order[(t_ns[order] >= since_ns) & (t_ns[order] < until_ns)]
    return Series(t_ns[order], {name: values[order, :, place] for place, name in enumerate(FIELDS["features"])})


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
