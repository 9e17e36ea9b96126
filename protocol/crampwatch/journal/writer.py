"""Writes a session in batches, each of which is on disk when the call returns."""

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
    """The one writer of a session file; created by :meth:`create`, :meth:`create_file` or :meth:`resume`.

    Crash guarantee: once :meth:`append` has returned, its batch survives the death of the process and of the machine
    (WAL with ``synchronous=FULL``). A batch is written completely or not at all. Methods block for a disk sync: call
    them off the event loop, from one thread at a time.

    Attributes:
        path: The file.
        head: Description of the session.
        epoch: Number of the process that writes it, counted from 0; stored with every record.
        anchor: Translates this epoch's monotonic times to UTC.
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
        """Start a session in a folder, in the file ``<UTC time>-<8 hex digits of the session>.cws``.

        Raises:
            UnavailableError: The folder cannot be written, or the disk is full.
        """
        stamp = datetime.fromtimestamp(head.started_utc_ns / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
        return cls.create_file(directory / f"{stamp}-{head.session.replace('-', '')[:8]}{SUFFIX}", head)

    @classmethod
    def create_file(cls, path: Path, head: SessionHead) -> Self:
        """Start a session in the given file.

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
                _create_tables(connection, head)
            anchor = Anchor(head.started_utc_ns, head.started_mono_ns)
            return cls(path, connection, lock, head=head, epoch=0, anchor=anchor)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def resume(cls, path: Path, *, anchor: Anchor | None = None) -> Self:
        """Continue an interrupted session in a new epoch.

        Args:
            path: The file.
            anchor: Anchor of the new epoch; None to keep the last one, because the monotonic clock ran on.

        Raises:
            RecordingError: Not a session, of a newer version, damaged, or ended.
            UnavailableError: Another process writes it, or it cannot be opened.
        """
        lock = WriterLock(path)
        try:
            head, epoch, last_anchor = _last_epoch(path)
            connection = connect_to_write(path)
            anchor = last_anchor if anchor is None else anchor
            with translate_errors(path):
                connection.execute("INSERT INTO epoch VALUES (?, ?, ?)", (epoch + 1, anchor.utc_ns, anchor.mono_ns))
                return cls(path, connection, lock, head=head, epoch=epoch + 1, anchor=anchor)
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
        """Add a sensor, or update name, address and placement of one that exists; return it with its key."""
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
        """Write a batch in order, with the positions marked as published since the last batch, in one transaction.

        ``seq`` and ``epoch`` of the records are ignored: the writer numbers them.

        Returns:
            ``seq`` of the last record.

        Raises:
            UnavailableError: The disk is full or failing. Nothing of the batch was written, and it may be tried again.
        """
        first = self._last_seq + 1
        rows = [
            (first + n, r.sensor_key, r.kind, self.epoch, r.mono_ns, r.utc_ns, r.payload) for n, r in enumerate(records)
        ]
        # Swapped before writing: another thread may mark newer positions meanwhile.
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
        """Note that all records of a sensor up to `seq` have reached the broker; written with the next batch.

        It may be called from another thread than the one that writes.
        """
        self._published[sensor_key] = seq

    def close(self, ended_utc_ns: int | None = None) -> None:
        """Close the file.

        Args:
            ended_utc_ns: End of the session, whose file then becomes a single, self-contained one. None to leave the
                session to be resumed.
        """
        try:
            if ended_utc_ns is not None:
                with translate_errors(self.path):
                    self._end(ended_utc_ns)
        finally:
            with suppress(sqlite3.Error):  # whatever append has returned for is on disk already
                self._connection.close()
            self._lock.release()

    def _transact(
        self, rows: Iterable[tuple[object, ...]], records: Sequence[Record], published: Mapping[int, int]
    ) -> None:
        counts = Counter((r.sensor_key, int(r.kind)) for r in records)
        sizes = Counter[tuple[int, int]]()
        for r in records:
            sizes[r.sensor_key, int(r.kind)] += len(r.payload)
        execute, executemany = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        try:
            executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            executemany(
                "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "records = records + excluded.records, octets = octets + excluded.octets",
                [(*key, count, sizes[key]) for key, count in counts.items()],
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
        with suppress(sqlite3.OperationalError):  # someone is reading it: the file stays in WAL mode, which is as safe
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA journal_mode = DELETE")


def _check_absent(path: Path) -> None:
    if path.exists():
        raise UnavailableError(f"{path} already exists.", advice="Choose another file, or remove that one.")


def _last_epoch(path: Path) -> tuple[SessionHead, int, Anchor]:
    """Return a session's head, and the number and anchor of its last epoch."""
    with SessionReader(path) as reader:
        if reader.has_ended:
            raise RecordingError(f"{path} has ended and cannot be continued.", advice="Start a new session.")
        epoch, anchor = max(reader.anchors().items(), key=lambda item: item[0])
        return reader.head, epoch, anchor


def _create_tables(connection: sqlite3.Connection, head: SessionHead) -> None:
    """Create tables and head in one transaction, so that a file has all of them or none."""
    connection.executescript(f"BEGIN; {TABLES}")
    connection.execute(
        "INSERT INTO head VALUES (1, ?, ?, ?, ?, ?, ?, NULL)",
        (head.session, head.started_utc_ns, head.started_mono_ns, head.utc_offset_s, head.origin, head.software),
    )
    connection.execute("INSERT INTO epoch VALUES (0, ?, ?)", (head.started_utc_ns, head.started_mono_ns))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
