"""Reads a session, also while it is being recorded."""

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from crampwatch.journal.failure import translate_errors
from crampwatch.journal.schema import APPLICATION_ID, VERSION, connect_to_read
from crampwatch.journal.summary import SessionSummary, Tally
from crampwatch.protocol.anchor import Anchor
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.protocol.records import Record, RecordKind, SessionHead, SessionSensor

__all__ = ["SessionReader"]

_BATCH: Final = 2000
"""Records read per transaction. A reader that kept one open would keep the writer's WAL file growing."""
_RECORDS: Final = (
    "SELECT seq, sensor_key, kind, mono_ns, utc_ns, payload, epoch FROM record WHERE seq > ? "
    "AND (? IS NULL OR sensor_key = ?) AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?"
)
_LAST_RECORD: Final = (
    "SELECT seq, sensor_key, kind, mono_ns, utc_ns, payload, epoch FROM record "
    "WHERE kind IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT 1"
)
_KINDS: Final = {kind.value: kind for kind in RecordKind}


class SessionReader:
    """A session file opened for reading; a context manager.

    Attributes:
        path: The file.
        head: Description of the session.

    Raises:
        RecordingError: Not a session file, a damaged one, or one of a newer version.
        UnavailableError: No such file, no permission, or locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise UnavailableError(
                f"There is no file {path}.", advice="`crampwatch sessions` lists the sessions that exist."
            )
        self._connection = connect_to_read(path)
        try:
            with translate_errors(path):
                self._check()
                self.head = self._read_head()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def ended_utc_ns(self) -> int | None:
        """When the session ended; None while it is being recorded, or if it was interrupted."""
        value = self._rows("SELECT ended_utc_ns FROM head")[0][0]
        return None if value is None else int(value)

    @property
    def has_ended(self) -> bool:
        """Whether the session was ended, rather than interrupted or still being recorded."""
        return self.ended_utc_ns is not None

    @property
    def last_seq(self) -> int:
        """Number of the last record; 0 if there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM record")[0][0])

    def sensors(self) -> tuple[SessionSensor, ...]:
        """Return the session's sensors in the order they were added."""
        return tuple(
            SessionSensor(*row)
            for row in self._rows("SELECT key, sensor, name, address, profile, side, muscle FROM sensor ORDER BY key")
        )

    def anchors(self) -> dict[int, Anchor]:
        """Return the anchor of each epoch, which translates its monotonic times to UTC."""
        rows = self._rows("SELECT epoch, anchor_utc_ns, anchor_mono_ns FROM epoch")
        return {int(epoch): Anchor(int(utc_ns), int(mono_ns)) for epoch, utc_ns, mono_ns in rows}

    def published_seq(self, sensor_key: int) -> int:
        """Return the number of the last record of a sensor whose data has reached the broker; 0 for none."""
        rows = self._rows("SELECT seq FROM outbox WHERE sensor_key = ?", sensor_key)
        return int(rows[0][0]) if rows else 0

    def records(
        self, sensor_key: int | None = None, *, after_seq: int = 0, kinds: Collection[RecordKind] | None = None
    ) -> Iterator[Record]:
        """Yield records in order, including those appended meanwhile; kinds of later versions are skipped.

        Args:
            sensor_key: Key of the only sensor; None for all, and for records of the session itself.
            after_seq: Yield only records with greater numbers.
            kinds: Yield only these kinds; None for all.

        Raises:
            RecordingError: The file is damaged here; what was yielded before is valid.
        """
        selected = json.dumps(sorted(_KINDS if kinds is None else kinds))
        while rows := self._rows(_RECORDS, after_seq, sensor_key, sensor_key, selected, _BATCH):
            yield from (self._record(row) for row in rows)
            after_seq = rows[-1][0]

    def last_record(self) -> Record | None:
        """Return the newest record of a known kind; None if there is none."""
        kinds = json.dumps(sorted(_KINDS))
        rows = self._rows(_LAST_RECORD, kinds)
        return self._record(rows[0]) if rows else None

    def payloads(self, seqs: Iterable[int]) -> list[bytes]:
        """Return the payloads of records by their numbers, in the given order.

        Raises:
            RecordingError: A record does not exist, or the file is damaged.
        """
        with translate_errors(self.path):
            query = "SELECT payload FROM record WHERE seq = ?"
            rows = [self._connection.execute(query, (seq,)).fetchone() for seq in seqs]
        if not all(row is not None and isinstance(row[0], bytes) for row in rows):
            raise RecordingError(f"{self.path} lacks records that it had before.", advice="The file may be damaged.")
        return [row[0] for row in rows]

    def summary(self) -> SessionSummary:
        """Return a summary of the session without reading all of its records."""
        last = self.last_record()
        anchor = self.anchors().get(last.epoch) if last is not None else None
        tallies = self._rows("SELECT sensor_key, kind, records, octets FROM tally ORDER BY sensor_key, kind")
        return SessionSummary(
            self.path,
            self.head,
            self.ended_utc_ns,
            self.head.started_utc_ns if last is None or anchor is None else anchor.utc_of(last.mono_ns),
            self.sensors(),
            tuple(
                Tally(key, _KINDS[kind], records, octets) for key, kind, records, octets in tallies if kind in _KINDS
            ),
            _size_bytes(self.path),
        )

    def _check(self) -> None:
        (application_id,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise RecordingError(
                f"{self.path} is a database, but not a session file.",
                advice="`crampwatch sessions` lists the sessions that exist.",
            )
        if not 1 <= version <= VERSION:
            raise RecordingError(
                f"{self.path} is a session file of version {version}; this program reads version {VERSION}.",
                advice="Update crampwatch.",
            )

    def _read_head(self) -> SessionHead:
        row = self._connection.execute(
            "SELECT session, started_utc_ns, started_mono_ns, utc_offset_s, origin, software FROM head"
        ).fetchone()
        if row is None or not all(map(isinstance, row, (str, int, int, int, str, str))):
            raise RecordingError(f"{self.path} does not describe its session.", advice="The file may be damaged.")
        return SessionHead(*row)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with translate_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def _record(self, row: tuple[Any, ...]) -> Record:
        seq, sensor_key, kind, mono_ns, utc_ns, payload, epoch = row
        if not (isinstance(payload, bytes) and isinstance(mono_ns, int) and isinstance(utc_ns, int)):
            raise RecordingError(f"{self.path} is damaged at record {seq}.", advice="Restore it from a copy.")
        return Record(seq, sensor_key, _KINDS[kind], mono_ns, utc_ns, payload, epoch)


def _size_bytes(path: Path) -> int:
    """Return the size on disk of the file and its WAL file."""
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
