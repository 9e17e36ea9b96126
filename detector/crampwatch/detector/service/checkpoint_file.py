"""Checkpoints on disk: the states of all streams in one SQLite file, and the log of steps since then beside it."""

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from crampwatch.detector.service.write_ahead_log import LoggedStep, StepLog, StreamKey
from crampwatch.protocol.errors import UnavailableError

__all__ = ["CheckpointFile"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoint (
  sensor TEXT NOT NULL, stream INTEGER NOT NULL, boot_id INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (sensor, stream)
);
CREATE TABLE IF NOT EXISTS introduction (sensor TEXT PRIMARY KEY, data BLOB NOT NULL);
"""


class CheckpointFile:
    """The checkpoints of all streams; a newer boot of a sensor replaces the older one.

    It may be used from any thread, by one at a time. A damaged database is renamed and a new one started, because a
    detector without its past is better than none.

    Args:
        folder: Created if missing; its files are `detector.sqlite` and `taken.log`.

    Raises:
        UnavailableError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "detector.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _open_database(self.path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.path.replace(self.path.with_suffix(".damaged"))
                self._database = _open_database(self.path)
            self._log = StepLog(folder / "taken.log", after=self._newest_number())
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error

    def load(self, key: StreamKey) -> bytes | None:
        """Return the checkpoint of a stream; None if there is none of this boot."""
        row = self._database.execute(
            "SELECT data FROM checkpoint WHERE sensor = ? AND stream = ? AND boot_id = ?",
            (key.sensor, key.stream, key.boot_id),
        ).fetchone()
        return None if row is None else zlib.decompress(row[0])

    def steps_since_checkpoint(self) -> dict[StreamKey, list[LoggedStep]]:
        """Return the steps of each stream that were logged after its checkpoint; only of a sensor's newest boot."""
        rows = self._database.execute("SELECT sensor, boot_id, stream, number FROM checkpoint")
        numbers = {StreamKey(*row[:3]): row[3] for row in rows}
        steps_of: dict[StreamKey, list[LoggedStep]] = {}
        for number, step in self._log.read():
            if number > numbers.get(step.key, 0):
                steps_of.setdefault(step.key, []).append(step)
        newest = {(key.sensor, key.stream): key for key in steps_of}
        return {key: steps_of[key] for key in newest.values()}

    def has_room(self, steps: Sequence[LoggedStep]) -> bool:
        """Whether `append` has room for steps; if not, `save` must be called instead."""
        return self._log.has_room(steps)

    def append(self, steps: Sequence[LoggedStep]) -> None:
        """Log steps; returns when they are on disk.

        Raises:
            UnavailableError: The file cannot be written.
        """
        try:
            self._log.append(steps)
        except OSError as error:
            raise self._unavailable(error) from error

    def save(self, states: Mapping[StreamKey, bytes]) -> None:
        """Save checkpoints, all or none; returns when they are on disk.

        The log is discarded: `states` must contain every stream that has logged a step since the last time.

        Raises:
            UnavailableError: The file cannot be written.
        """
        number = self._log.number
        rows = [(key.sensor, key.stream, key.boot_id, number, zlib.compress(data, 1)) for key, data in states.items()]
        self._write("REPLACE INTO checkpoint (sensor, stream, boot_id, number, data) VALUES (?, ?, ?, ?, ?)", rows)
        self._log.rewind()

    def save_introduction(self, sensor: str, data: bytes) -> None:
        """Save a sensor's info: after a restart its blocks may arrive before its info does.

        Raises:
            UnavailableError: The file cannot be written.
        """
        self._write("REPLACE INTO introduction (sensor, data) VALUES (?, ?)", [(sensor, data)])

    def introductions(self) -> list[bytes]:
        """Return all saved infos."""
        return [bytes(data) for (data,) in self._database.execute("SELECT data FROM introduction ORDER BY sensor")]

    def close(self) -> None:
        """Close the files."""
        self._database.close()
        self._log.close()

    def _newest_number(self) -> int:
        return int(self._database.execute("SELECT coalesce(max(number), 0) FROM checkpoint").fetchone()[0])

    def _write(self, statement: str, rows: Sequence[tuple[str | int | bytes, ...]]) -> None:
        try:
            with self._database:
                self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The detector's state cannot be saved in {self.path}: {error}.",
            advice="Free some disk space or choose another data folder.",
        )


def _open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # acknowledged messages must survive a power cut
        with closing(database.cursor()) as cursor:
            cursor.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
