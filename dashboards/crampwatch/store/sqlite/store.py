"""The store in one SQLite file: the engine that runs when no database is configured.

A write is one transaction, and on the disk when it returns (WAL with ``synchronous=FULL``). Readers in other processes
never wait for the writer, nor the writer for them.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from crampwatch.protocol import messages
from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.model.downsampling import coarsest_tier
from crampwatch.store.model.interface import FOREVER_NS, RejectedError
from crampwatch.store.model.night_summary import Night, summarise_night
from crampwatch.store.model.points import Document, document_of, readings_of
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import FIELDS, Series, thin_out
from crampwatch.store.sqlite.downsampled import read_tier, refresh_tiers
from crampwatch.store.sqlite.merge import merge_session
from crampwatch.store.sqlite.raw_emg import read_raw_chunks, write_raw_chunk
from crampwatch.store.sqlite.schema import connect
from crampwatch.store.sqlite.series import measure_monitored_time, reader_of, write_features, write_reading

__all__ = ["SqliteStore"]

AnyMessage = TypeVar("AnyMessage", bound=Message)


class SqliteStore:
    """A store in a file, which is created if it does not exist.

    Args:
        path: The file; it is opened at the first use.
        read_only: Neither create nor change the file.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def write(self, messages: Iterable[Message]) -> None:
        """Store messages in one transaction, on the disk when this returns."""
        try:
            with self._open_database() as database, database:
                _write_messages(database, messages)
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
        """Return the valid revision of each episode that overlaps a time span, ordered by onset."""
        return self._read_documents(
            "episode",
            Episode,
            span_ns=(since_ns, until_ns),
            sensor=sensor,
            session=session,
            with_retracted=with_retracted,
        )

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return a measurement within ``since <= t < until``, from the coarsest tier that is fine enough."""
        tier_ns = coarsest_tier(measurement, since_ns=since_ns, until_ns=until_ns, max_points=max_points)
        counts = None
        with self._open_database() as database:
            if tier_ns is None:
                series = reader_of(measurement)(database, sensor, measurement, since_ns, until_ns)
            else:
                # The row that contains `since_ns` may start up to one span earlier.
                rows = read_tier(database, measurement, sensor, tier_ns, (since_ns - tier_ns + 1, until_ns))
                series, counts = rows.clipped_from(since_ns), rows.counts
        if not len(series):
            return series
        return thin_out(series, since_ns=since_ns, until_ns=until_ns, max_points=max_points, counts=counts)

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording started within a time span, ordered by start."""
        infos = [info for info in self.sessions(sensor=sensor) if since_ns <= info.started_ns < until_ns]
        journal = [entry for entry in self.journal() if entry.entry == "factor"] if infos else []
        return [self._summarise_night(info, journal) for info in infos]

    def raw_emg(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG stored around episodes within a time span, ordered by time."""
        with self._open_database() as database:
            return read_raw_chunks(database, sensor, since_ns, until_ns)

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a time span, ordered by time."""
        return self._read_documents("notice", Notice, span_ns=(since_ns, until_ns), sensor=sensor)

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return the wearer's notes within a time span, ordered by time."""
        return self._read_documents("journal", JournalEntry, span_ns=(since_ns, until_ns), sensor=sensor)

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return the newest description of each sensor in each session, ordered by start."""
        return self._read_documents("session", SensorInfo, sensor=sensor)

    def sensors(self) -> list[SensorInfo]:
        """Return the newest description of each sensor, ordered by id."""
        newest = {info.sensor: info for info in self.sessions()}
        return [newest[sensor] for sensor in sorted(newest)]

    def merge_session(self, other: Path, session: str) -> None:
        """Copy a session from another store, in one transaction; what this store has already is not replaced.

        Args:
            other: An SQLite store of this version that nobody writes to meanwhile.
            session: UUID.
        """
        with self._open_database() as database:
            database.execute("ATTACH ? AS old", (f"{other.absolute().as_uri()}?mode=ro",))
            try:
                with database:
                    database.execute("BEGIN IMMEDIATE")
                    merge_session(database, session, reader_of)
            finally:
                database.execute("DETACH old")

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _summarise_night(self, info: SensorInfo, journal: list[JournalEntry]) -> Night:
        valid = self.episodes(sensor=info.sensor, session=info.session, since_ns=info.started_ns)
        episodes = [
            (one.kind, None if one.offset_ns is None else (one.offset_ns - one.onset_ns) / 1e9) for one in valid
        ]
        with self._open_database() as database:
            newest_ns, monitored_s = measure_monitored_time(database, info)
        end_ns = newest_ns if info.ended_ns is None else info.ended_ns
        return summarise_night(info, episodes, end_ns=end_ns, monitored_s=monitored_s, journal=journal)

    def _read_documents(
        self,
        measurement: str,
        kind: type[AnyMessage],
        *,
        span_ns: tuple[int, int] = (0, FOREVER_NS),
        sensor: str | None,
        session: str | None = None,
        with_retracted: bool = True,
    ) -> list[AnyMessage]:
        with self._open_database() as database:
            rows = database.execute(
                "SELECT message FROM document WHERE measurement = ?1 AND t_ns < ?2 AND coalesce(end_ns, ?3) >= ?4 "
                "AND (?5 IS NULL OR sensor = ?5) AND (?6 IS NULL OR session = ?6) AND (?7 OR status != 'retracted') "
                "ORDER BY t_ns, id",
                (measurement, span_ns[1], FOREVER_NS, span_ns[0], sensor, session, with_retracted),
            )
            return [messages.decode(row[0], kind) for row in rows]

    @contextmanager
    def _open_database(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread at a time, and turn SQLite's errors into ours."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = connect(self._path, read_only=self._read_only)
                yield self._connection
            except (sqlite3.DatabaseError, OSError) as error:
                raise self._translate_error(error) from error

    def _translate_error(self, error: sqlite3.DatabaseError | OSError) -> CrampwatchError:
        # OperationalError is what can pass: locked, full, not readable. Any other means that the file is damaged.
        if isinstance(error, (sqlite3.OperationalError, OSError)):
            return UnavailableError(
                f"The store {self._path} cannot be used: {error}.",
                advice="Check the free space and permissions of its folder.",
            )
        return RecordingError(
            f"{self._path} is not an intact store of crampwatch: {error}.",
            advice="Restore it from a backup, or move it away to start a new one; the session files are not affected.",
        )


def _write_messages(database: sqlite3.Connection, written: Iterable[Message]) -> None:
    features: list[Features] = []
    touched_ns: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for message in written:
        document = document_of(message)
        if isinstance(message, Features):
            features.append(message)
        elif isinstance(message, RawChunk):
            write_raw_chunk(database, message)
        elif document is not None:
            _write_document(database, document)
        else:
            for reading in readings_of(message):
                write_reading(database, reading)
                touched_ns.setdefault((reading.measurement, reading.sensor), []).append((reading.t_ns, reading.t_ns))
    for sensor, intervals_ns in write_features(database, features).items():
        touched_ns["features", sensor] = intervals_ns
    for (measurement, sensor), intervals_ns in touched_ns.items():
        if measurement in FIELDS:
            refresh_tiers(database, measurement, sensor, intervals_ns, reader_of(measurement))


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
