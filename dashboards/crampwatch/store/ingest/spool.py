"""Messages that wait for a database: on disk, in order, for as long as it takes.

The service acknowledges to the broker what is in here, so that an outage of the database costs neither the broker's
memory nor, after days, its oldest messages.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import MESSAGE_TYPES, Message, encode
from crampwatch.store.model.raw_excerpt import RawChunk

__all__ = ["Spool"]

_KINDS: Final[dict[str, type[Message]]] = {
    **{leaf.value: kind for leaf, kind in MESSAGE_TYPES.items()},
    "raw": RawChunk,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, leaf TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS refused (seq INTEGER PRIMARY KEY, leaf TEXT NOT NULL, payload BLOB NOT NULL, why TEXT);
"""


class Spool:
    """A queue in an SQLite file, made where absent. Calls block and must not overlap.

    Args:
        path: The file.

    Raises:
        UnavailableError: The file cannot be used; so do all methods.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            self._count: int = self._database.execute("SELECT count(*) FROM waiting").fetchone()[0]
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def __len__(self) -> int:
        return self._count

    def append(self, messages: Iterable[Message]) -> None:
        """Add messages; they are on the disk when this returns."""
        rows = [(_NAMES[type(message)], encode(message)) for message in messages]
        try:
            with self._database:
                self._database.executemany("INSERT INTO waiting (leaf, payload) VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        self._count += len(rows)

    def oldest(self, count: int) -> list[tuple[int, Message]]:
        """Return the messages that wait longest, with their numbers."""
        rows = self._database.execute("SELECT seq, leaf, payload FROM waiting ORDER BY seq LIMIT ?", (count,))
        return [(seq, msgspec.json.decode(payload, type=_KINDS[leaf])) for seq, leaf, payload in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Forget messages that have arrived."""
        try:
            with self._database:
                self._database.executemany("DELETE FROM waiting WHERE seq = ?", [(seq,) for seq in numbers])
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        self._count -= len(numbers)

    def set_aside(self, number: int, why: str) -> None:
        """Keep a message the database will never take out of the way of the others."""
        with self._database:
            self._database.execute(
                "INSERT OR IGNORE INTO refused SELECT seq, leaf, payload, ? FROM waiting WHERE seq = ?", (why, number)
            )
        self.remove([number])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _unusable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"What waits for the database cannot be kept in {self._path}: {error}.",
            advice="Check the free space and permissions of the folder.",
        )
