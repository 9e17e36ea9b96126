"""Writing a session: batches in, each on the disk when the call returns."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from crampwatch.journal.failure import translate_errors
from crampwatch.journal.lock import WriterLock
from crampwatch.journal.reader import SessionReader
from crampwatch.journal.schema import APPLICATION_ID, SUFFIX, TABLES, VERSION, connect_to_write
from crampwatch.protocol.anchor import Anchor
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.protocol.records import Record, SessionHead, SessionSensor

__all__ = ["SessionWriter"]


class SessionWriter:
    """The one writer of a session file; made by :meth:`create`, :meth:`create_file` or :meth:`resume`.

    Crash guarantee: what :meth:`append` returned for survives the death of the process and of the machine (WAL with
    ``synchronous=FULL``). A batch is written whole or not at all. Methods block for a disk sync: call them off the
    event loop, from one thread at a time.

    Attributes:
        path: Of the file.
        head: What the session is.
        epoch: Counts the processes that wrote it, from 0; every record carries it.
        anchor: By which this epoch's monotonic times are told in UTC.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: WriterLock,
        *,
        head: SessionHead,
        epoch: int,
        anchor: Anchor,
    ) -> None:
        self.path = path
        self.head = head
        self.epoch = epoch
        self.anchor = anchor
        self._connection = connection
        self._lock = lock
        self._published: dict[int, int] = {}
        self._last_seq: int = connection.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()[0]

    @classmethod
    def create(cls, directory: Path, head: SessionHead) -> Self:
        """Begin a session in a folder, under ``<UTC stamp>-<8 hex of the session>.cws``.

        Raises:
            UnavailableError: The folder cannot be written, or the disk is full.
        """
        stamp = datetime.fromtimestamp(head.started_utc_ns / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
        return cls.create_file(directory / f"{stamp}-{head.session.replace('-', '')[:8]}{SUFFIX}", head)

    @classmethod
    def create_file(cls, path: Path, head: SessionHead) -> Self:
        """Begin a session under a given name.

        Raises:
            UnavailableError: The file exists or cannot be written, or the disk is full.
        """
        with translate_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(path)
        try:
            _check_absent(path)
            connection = connect_to_write(path)
            with translate_errors(path):
                _begin(connection, head)
            anchor = Anchor(head.started_utc_ns, head.started_mono_ns)
            return cls(path, connection, lock, head=head, epoch=0, anchor=anchor)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def resume(cls, path: Path, *, anchor: Anchor | None = None) -> Self:
        """Go on with a session that was cut short, in a new epoch.

        Args:
            path: Of the file.
            anchor: Of the new epoch; None where the monotonic clock ran on, so that the last one holds.

        Raises:
            RecordingError: Not a session, of a newer version, damaged, or ended.
            UnavailableError: Another process writes it, or it cannot be opened.
        """
        lock = WriterLock(path)
        try:
            head, epoch, last_anchor = _left_off(path)
            connection = connect_to_write(path)
            kept = last_anchor if anchor is None else anchor
            with translate_errors(path):
                connection.execute("INSERT INTO epoch VALUES (?, ?, ?)", (epoch + 1, kept.utc_ns, kept.mono_ns))
                return cls(path, connection, lock, head=head, epoch=epoch + 1, anchor=kept)
        except BaseException:
            lock.release()
            raise

    @property
    def last_seq(self) -> int:
        """Number of the last record; 0 before the first."""
        return self._last_seq

    def add_sensor(
        self, sensor: str, *, name: str, address: str, profile: str, side: str = "unknown", muscle: str = ""
    ) -> SessionSensor:
        """Enter a sensor, or update what is known of one that is there; return it with its key."""
        with translate_errors(self.path):
            self._connection.execute(
                "INSERT INTO sensor (sensor, name, address, profile, side, muscle) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (sensor) DO UPDATE SET name = excluded.name, address = excluded.address, "
                "side = excluded.side, muscle = excluded.muscle",
                (sensor, name, address, profile, side, muscle),
            )
            row = self._connection.execute("SELECT * FROM sensor WHERE sensor = ?", (sensor,)).fetchone()
        return SessionSensor(*row)

    def append(self, records: Sequence[Record]) -> int:
        """Write a batch in order, in one transaction, and the published positions told since the last.

        ``seq`` and ``epoch`` of the records given are not looked at: the writer numbers them.

        Returns:
            ``seq`` of the last record.

        Raises:
            UnavailableError: Disk full or failing: nothing of the batch was written, and it may be given again.
        """
        first = self._last_seq + 1
        rows = [
            (first + n, r.sensor_key, r.kind, self.epoch, r.mono_ns, r.utc_ns, r.payload) for n, r in enumerate(records)
        ]
        # Taken away first: another thread may tell newer positions while this one writes.
        published, self._published = self._published, {}
        try:
            with translate_errors(self.path):
                self._transact(rows, records, published)
        except BaseException:
            self._published = published | self._published
            raise
        self._last_seq += len(rows)
        return self._last_seq

    def mark_published(self, sensor_key: int, seq: int) -> None:
        """Note that all of a sensor's records up to `seq` reached the broker; written with the next batch.

        May be called from another thread than the one that writes.
        """
        self._published[sensor_key] = seq

    def close(self, ended_utc_ns: int | None = None) -> None:
        """Let go of the file.

        Args:
            ended_utc_ns: The session's end; its file then becomes a single, self-contained one. None leaves the
                session to be resumed.
        """
        try:
            if ended_utc_ns is not None:
                with translate_errors(self.path):
                    self._end(ended_utc_ns)
        finally:
            with suppress(sqlite3.Error):  # all that was promised is on the disk
                self._connection.close()
            self._lock.release()

    def _transact(
        self, rows: Iterable[tuple[object, ...]], records: Sequence[Record], published: Mapping[int, int]
    ) -> None:
        counts = Counter((r.sensor_key, int(r.kind)) for r in records)
        octets = Counter[tuple[int, int]]()
        for r in records:
            octets[r.sensor_key, int(r.kind)] += len(r.payload)
        execute, executemany = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        try:
            executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            executemany(
                "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "records = records + excluded.records, octets = octets + excluded.octets",
                [(*key, count, octets[key]) for key, count in counts.items()],
            )
            self._write_outbox(published)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled it back already
                execute("ROLLBACK")
            raise

    def _write_outbox(self, published: Mapping[int, int]) -> None:
        self._connection.executemany(
            "INSERT INTO outbox VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)",
            list(published.items()),
        )

    def _end(self, ended_utc_ns: int) -> None:
        self._write_outbox(self._published)
        self._connection.execute("UPDATE head SET ended_utc_ns = ?", (ended_utc_ns,))
        with suppress(sqlite3.OperationalError):  # someone reads it: the file stays in WAL mode, which is as sound
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA journal_mode = DELETE")


def _check_absent(path: Path) -> None:
    if path.exists():
        raise UnavailableError(f"{path} exists already.", advice="Name another file, or remove that one.")


def _left_off(path: Path) -> tuple[SessionHead, int, Anchor]:
    """Return a session's head, and its last epoch with its anchor."""
    with SessionReader(path) as reader:
        if reader.has_ended:
            raise RecordingError(f"{path} has ended and is not written again.", advice="Begin a new session.")
        epoch, anchor = max(reader.anchors().items(), key=lambda item: item[0])
        return reader.head, epoch, anchor


def _begin(connection: sqlite3.Connection, head: SessionHead) -> None:
    """Make tables and head in one transaction: a file has all of them or none."""
    connection.executescript(f"BEGIN; {TABLES}")
    connection.execute(
        "INSERT INTO head VALUES (1, ?, ?, ?, ?, ?, ?, NULL)",
        (head.session, head.started_utc_ns, head.started_mono_ns, head.utc_offset_s, head.origin, head.software),
    )
    connection.execute("INSERT INTO epoch VALUES (0, ?, ?)", (head.started_utc_ns, head.started_mono_ns))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
