"""Messages that wait for a database: a queue on disk, in order, for as long as the database is away.

The service acknowledges a message to the broker when it is in this queue, and a second task moves batches from here to
the database. Without it, an outage of hours would fill the memory of the broker and then, beyond its limit, make it
drop the oldest messages.

A message leaves the queue in one of two ways: it is removed after the database has accepted it, or, if the database
rejects it for good, it moves to the table `refused` with the reason, where a person can look at it. So one bad message
never blocks the others. After a kill between the two steps a message is written again, which changes nothing in the
database.
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

_TYPES: Final[dict[str, type[Message]]] = {
    **{leaf.value: kind for leaf, kind in MESSAGE_TYPES.items()},
    "raw": RawChunk,
}
"""By the name in the column `leaf`: a message is decoded as the type it was published as."""
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, leaf TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS refused (seq INTEGER PRIMARY KEY, leaf TEXT NOT NULL, payload BLOB NOT NULL, why TEXT);
"""


class Spool:
    """A queue in an SQLite file, which is created if it does not exist. Calls block and must not overlap.

    Raises:
        UnavailableError: The file cannot be used; all methods that write raise it too.
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
            raise self._unavailable_error(error) from error

    def __len__(self) -> int:
        return self._count

    def append(self, messages: Iterable[Message]) -> None:
        """Append messages; they are on the disk when this returns."""
        rows = [(_NAMES[type(message)], encode(message)) for message in messages]
        try:
            with self._database:
                self._database.executemany("INSERT INTO waiting (leaf, payload) VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            raise self._unavailable_error(error) from error
        self._count += len(rows)

    def oldest(self, count: int) -> list[tuple[int, Message]]:
        """Return up to `count` messages that have waited longest, oldest first, each with its number."""
        rows = self._database.execute("SELECT seq, leaf, payload FROM waiting ORDER BY seq LIMIT ?", (count,))
        return [(seq, msgspec.json.decode(payload, type=_TYPES[leaf])) for seq, leaf, payload in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove messages that the database has accepted."""
        try:
            with self._database:
                self._database.executemany("DELETE FROM waiting WHERE seq = ?", [(seq,) for seq in numbers])
        except sqlite3.Error as error:
            raise self._unavailable_error(error) from error
        self._count -= len(numbers)

    def set_aside(self, number: int, reason: str) -> None:
        """Move a message that the database will never accept to the table `refused`."""
        with self._database:
            self._database.execute(
                "INSERT OR IGNORE INTO refused SELECT seq, leaf, payload, ? FROM waiting WHERE seq = ?",
                (reason, number),
            )
        self.remove([number])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _unavailable_error(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"Messages that wait for the database cannot be stored in {self._path}: {error}.",
            advice="Check the free space and permissions of the folder.",
        )
