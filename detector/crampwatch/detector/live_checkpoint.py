"""Checkpoints on disk: one SQLite file, so that the states of many streams are kept by a single write."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from crampwatch.protocol.errors import UnavailableError

__all__ = ["CheckpointFile", "StreamKey"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
  sensor TEXT NOT NULL, stream INTEGER NOT NULL, boot_id INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (sensor, stream)
);
CREATE TABLE IF NOT EXISTS introduction (sensor TEXT PRIMARY KEY, data BLOB NOT NULL);
"""


class StreamKey(NamedTuple):
    """Which stream, of which boot of which sensor."""

    sensor: str
    boot_id: int
    stream: int


class CheckpointFile:
    """The file checkpoints are kept in; a newer boot of a sensor replaces the older one's.

    May be used from any thread, by one at a time.

    Args:
        folder: Made where it is missing; the file in it is `detector.sqlite`.

    Raises:
        UnavailableError: The folder cannot be written. A damaged file is set aside and begun anew: the broker still
            holds what was not acknowledged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "detector.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _opened(self.path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.path.replace(self.path.with_suffix(".damaged"))
                self._database = _opened(self.path)
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error

    def load(self, key: StreamKey) -> bytes | None:
        """Return the checkpoint of a stream, or None where there is none of this boot."""
        row = self._database.execute(
            "SELECT data FROM state WHERE sensor = ? AND stream = ? AND boot_id = ?",
            (key.sensor, key.stream, key.boot_id),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def save(self, states: Mapping[StreamKey, bytes]) -> None:
        """Keep checkpoints durably, all or none; returns when they are on the disk.

        Raises:
            UnavailableError: The file cannot be written.
        """
        rows = [(key.sensor, key.stream, key.boot_id, data) for key, data in states.items()]
        self._write("REPLACE INTO state (sensor, stream, boot_id, data) VALUES (?, ?, ?, ?)", rows)

    def save_introduction(self, sensor: str, data: bytes) -> None:
        """Keep how a sensor introduced itself: after a restart its blocks may come before its introduction.

        Raises:
            UnavailableError: The file cannot be written.
        """
        self._write("REPLACE INTO introduction (sensor, data) VALUES (?, ?)", [(sensor, data)])

    def introductions(self) -> list[bytes]:
        """Return all introductions kept."""
        return [bytes(data) for (data,) in self._database.execute("SELECT data FROM introduction ORDER BY sensor")]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _write(self, statement: str, rows: Sequence[tuple[str | int | bytes, ...]]) -> None:
        try:
            with self._database:
                self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The detector's state cannot be kept in {self.path}: {error}.",
            advice="Free some disk space or choose another data folder.",
        )


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # what is acknowledged must outlive a power cut
        with closing(database.cursor()) as cursor:
            cursor.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
