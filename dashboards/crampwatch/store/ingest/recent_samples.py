"""The newest minutes of samples, on disk, so that an episode that is told finds the seconds before it.

They are written without waiting for the disk: what a loss of power costs is in the session file too.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import Episode
from crampwatch.store.model.raw_excerpt import RawChunk, chunk_of, chunk_samples, wanted_span

__all__ = ["RecentSamples"]

_KEPT_NS: Final = 300_000_000_000
"""Longer than from any episode's begin to when it is first told, a pause of the detector included."""
_KEPT_S: Final = 60.0
"""Of our own time: in an accelerated replay five minutes pass in seconds, and a broker sends again after three."""
_WANTED_NS: Final = 86_400_000_000_000
"""So long samples that a sensor delivers late are still kept."""
_LATE_CHUNKS: Final = 2
_MOST_TOLD: Final = 10_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS block (
    sensor TEXT NOT NULL, boot INTEGER NOT NULL, stream INTEGER NOT NULL, first_index INTEGER NOT NULL,
    next_index INTEGER NOT NULL, utc_ns INTEGER NOT NULL, heard_s REAL NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (sensor, boot, stream, first_index, next_index)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wanted (
    id TEXT PRIMARY KEY, sensor TEXT NOT NULL, boot INTEGER NOT NULL, rate_hz REAL NOT NULL,
    begin_index INTEGER NOT NULL, end_index INTEGER NOT NULL, onset_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS wanted_of ON wanted (sensor, boot);
"""
_Key = tuple[str, int, int]


class RecentSamples:
    """Blocks of all sensors, and the spans of them that episodes want. Calls block and must not overlap.

    Args:
        path: The file, made where absent.

    Raises:
        UnavailableError: The file cannot be used; so does :meth:`take`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[tuple[_Key, int], int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def take(self, blocks: Sequence[tuple[str, SampleBlock]], episodes: Iterable[Episode]) -> list[RawChunk]:
        """Take what was said, and return the seconds that are to be kept and of which no more was written before.

        What is returned twice, as after a restart, says the same.

        Args:
            blocks: Each with its sensor.
            episodes: Revisions in the order they were said.
        """
        try:
            with self._database:
                self._add(blocks)
                chunks = {place for sensor, block in blocks for place in self._places_of(sensor, block)}
                chunks |= {place for episode in episodes for place in self._want(episode)}
                found = [chunk for place in sorted(chunks) if (chunk := self._fresh(*place)) is not None]
                self._forget_old(blocks)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return found

    def mark_written(self, chunks: Iterable[RawChunk]) -> None:
        """Note what is on the disk elsewhere now, so that it is not returned again."""
        if len(self._told) > _MOST_TOLD:
            self._told.clear()  # what is returned again says the same
        for chunk in chunks:
            self._told[(chunk.sensor, chunk.boot_id, chunk.stream), chunk.chunk] = int(chunk.known.sum())

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _add(self, blocks: Sequence[tuple[str, SampleBlock]]) -> None:
        now_s = time.time()
        rows = [
            (sensor, one.boot_id, one.stream, one.first_index, one.next_index, one.first_utc_ns, now_s, one.encode())
            for sensor, one in blocks
        ]
        self._database.executemany("INSERT OR IGNORE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _places_of(self, sensor: str, block: SampleBlock) -> Iterator[tuple[_Key, int]]:
        """Yield the seconds that a block reaches into, or has left behind with a gap, and that an episode wants."""
        samples = chunk_samples(block.rate_hz)
        first = block.first_index // samples - _LATE_CHUNKS
        spans = self._database.execute(
            "SELECT begin_index, end_index FROM wanted WHERE sensor = ? AND boot = ? AND rate_hz = ? "
            "AND end_index > ? AND begin_index < ?",
            (sensor, block.boot_id, block.rate_hz, first * samples, block.next_index),
        )
        for begin, end in spans:
            last = min(block.next_index, end) - 1
            for chunk in range(max(first, begin // samples, 0), last // samples + 1):
                yield (sensor, block.boot_id, block.stream), chunk

    def _want(self, episode: Episode) -> Iterator[tuple[_Key, int]]:
        """Note what a revision of an episode wants besides the others; yield the seconds of it that are there."""
        begin, end = wanted_span(episode)
        self._database.execute(
            "INSERT INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "begin_index = min(begin_index, excluded.begin_index), end_index = max(end_index, excluded.end_index)",
            (episode.id, episode.sensor, episode.boot_id, episode.rate_hz, begin, end, episode.onset_ns),
        )
        samples = chunk_samples(episode.rate_hz)
        found = self._database.execute(
            "SELECT stream, first_index, payload FROM block "
            "WHERE sensor = ? AND boot = ? AND next_index > ? AND first_index < ?",
            (episode.sensor, episode.boot_id, begin, end),
        )
        for stream, first_index, payload in found.fetchall():
            block = SampleBlock.decode(payload)
            if block.rate_hz != episode.rate_hz:
                continue
            last = min(block.next_index, end) - 1
            for chunk in range(max(first_index, begin) // samples, last // samples + 1):
                yield (episode.sensor, episode.boot_id, stream), chunk

    def _fresh(self, key: _Key, chunk: int) -> RawChunk | None:
        """Return a second that is full, or will not become so soon; None where no more of it is there than was told."""
        samples, newest = self._extent(key)
        first, end = chunk * samples, (chunk + 1) * samples
        near = self._database.execute(
            "SELECT payload FROM block WHERE sensor = ? AND boot = ? AND stream = ? "
            "AND next_index > ? AND first_index < ? ORDER BY first_index",
            (*key, first, end),
        )
        made = chunk_of(key[0], chunk, [SampleBlock.decode(payload) for (payload,) in near])
        if made is None:
            return None
        count = int(made.known.sum())
        if count <= self._told.get((key, chunk), 0) or (count < samples and newest < end + samples):
            return None
        return made

    def _extent(self, key: _Key) -> tuple[int, int]:
        """Return how many samples a second of a stream has, and the index after its newest."""
        next_index, payload = self._database.execute(
            "SELECT max(next_index), payload FROM block WHERE sensor = ? AND boot = ? AND stream = ?", key
        ).fetchone()
        return (1, 0) if payload is None else (chunk_samples(SampleBlock.decode(payload).rate_hz), next_index)

    def _forget_old(self, blocks: Sequence[tuple[str, SampleBlock]]) -> None:
        newest_ns: dict[str, int] = {}
        for sensor, block in blocks:
            newest_ns[sensor] = max(newest_ns.get(sensor, 0), block.first_utc_ns)
        for sensor, now_ns in newest_ns.items():
            self._database.execute(
                "DELETE FROM block WHERE sensor = ? AND utc_ns < ? AND heard_s < ?",
                (sensor, now_ns - _KEPT_NS, time.time() - _KEPT_S),
            )
            self._database.execute(
                "DELETE FROM wanted WHERE sensor = ? AND onset_ns < ?", (sensor, now_ns - _WANTED_NS)
            )

    def _unusable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The newest samples cannot be kept in {self._path}: {error}.",
            advice="Check the free space and permissions of the folder.",
        )
