"""The newest minutes of samples, on disk, so that an episode published late still finds the seconds before it.

The detector publishes an episode some time after its onset, and the store needs the raw EMG from 5 s before it. So the
service buffers the sample blocks of the last five minutes. Two tables: `block` holds the blocks, `wanted` the span of
sample indices that the revisions of each episode ask for. A chunk (one second, see `store/model/raw_excerpt.py`) is
handed out when it overlaps a wanted span and

* is complete, or
* will not be completed soon: the stream has moved on by more than a second (its gap may be filled later, and the chunk
  is then handed out again with more samples).

Either side may come first: blocks and episodes are both checked against what is there already. Handing out a chunk
twice, as after a restart, is harmless, since the store fills chunks and never overwrites their samples.

Writes do not wait for the disk (`synchronous=NORMAL`): the seconds that a loss of power costs here are in the session
file.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import Episode
from crampwatch.store.model.raw_excerpt import RawChunk, assemble_chunk, excerpt_span, samples_per_chunk

__all__ = ["RecentSamples"]

_BUFFER_NS: Final = 300_000_000_000
"""Age, in the time of the samples, up to which blocks are kept: longer than from any episode's onset to its first
revision, including a restart of the detector."""
_MIN_BUFFER_S: Final = 60.0
"""Time for which a block is kept whatever its age: in an accelerated replay five minutes pass in seconds, and a broker
may deliver again after three."""
_WANTED_NS: Final = 86_400_000_000_000
"""How long after its onset an episode still accepts samples: a sensor may deliver them late, out of its ring."""
_REVISITED_CHUNKS: Final = 2
"""Chunks before the one that a block starts in that are looked at again: one of them may have become one that will not
be completed soon."""
_MAX_REMEMBERED: Final = 10_000
"""Chunks whose number of written samples is remembered: some hours of excerpts, 1 MB."""
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
_StreamKey = tuple[str, int, int]
"""Sensor, boot and stream."""


class RecentSamples:
    """Buffers the blocks of all sensors, and cuts out of them what episodes want. Calls block and must not overlap.

    Args:
        path: The file, which is created if it does not exist.

    Raises:
        UnavailableError: The file cannot be used; also raised by :meth:`add`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_samples: dict[tuple[_StreamKey, int], int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable_error(error) from error

    def add(self, blocks: Sequence[tuple[str, SampleBlock]], episodes: Iterable[Episode]) -> list[RawChunk]:
        """Add blocks and episodes; return the chunks that can be stored now and have more samples than before.

        Args:
            blocks: Each with its sensor's id.
            episodes: Revisions in the order in which they were published.
        """
        try:
            with self._database:
                self._insert_blocks(blocks)
                candidates = {place for sensor, block in blocks for place in self._wanted_chunks_near(sensor, block)}
                candidates |= {place for episode in episodes for place in self._want_excerpt(episode)}
                found = [chunk for place in sorted(candidates) if (chunk := self._new_chunk(*place)) is not None]
                self._delete_old(blocks)
        except sqlite3.Error as error:
            raise self._unavailable_error(error) from error
        return found

    def mark_written(self, chunks: Iterable[RawChunk]) -> None:
        """Note that these chunks are stored, so that they are returned again only with more samples."""
        if len(self._written_samples) > _MAX_REMEMBERED:
            self._written_samples.clear()  # storing a chunk that is returned again changes nothing
        for chunk in chunks:
            place = (chunk.sensor, chunk.boot_id, chunk.stream), chunk.chunk
            self._written_samples[place] = int(chunk.is_present.sum())

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _insert_blocks(self, blocks: Sequence[tuple[str, SampleBlock]]) -> None:
        now_s = time.time()
        rows = [
            (sensor, one.boot_id, one.stream, one.first_index, one.next_index, one.first_utc_ns, now_s, one.encode())
            for sensor, one in blocks
        ]
        self._database.executemany("INSERT OR IGNORE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _wanted_chunks_near(self, sensor: str, block: SampleBlock) -> Iterator[tuple[_StreamKey, int]]:
        """Yield the wanted chunks that a block overlaps, and those shortly before it."""
        samples = samples_per_chunk(block.rate_hz)
        first = block.first_index // samples - _REVISITED_CHUNKS
        spans = self._database.execute(
            "SELECT begin_index, end_index FROM wanted WHERE sensor = ? AND boot = ? AND rate_hz = ? "
            "AND end_index > ? AND begin_index < ?",
            (sensor, block.boot_id, block.rate_hz, first * samples, block.next_index),
        )
        for begin, end in spans:
            last = min(block.next_index, end) - 1
            for chunk in range(max(first, begin // samples, 0), last // samples + 1):
                yield (sensor, block.boot_id, block.stream), chunk

    def _want_excerpt(self, episode: Episode) -> Iterator[tuple[_StreamKey, int]]:
        """Add the span of an episode's revision to those of earlier ones; yield its chunks that have samples."""
        begin, end = excerpt_span(episode)
        self._database.execute(
            "INSERT INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "begin_index = min(begin_index, excluded.begin_index), end_index = max(end_index, excluded.end_index)",
            (episode.id, episode.sensor, episode.boot_id, episode.rate_hz, begin, end, episode.onset_ns),
        )
        samples = samples_per_chunk(episode.rate_hz)
        found = self._database.execute(
            "SELECT stream, first_index, payload FROM block "
            "WHERE sensor = ? AND boot = ? AND next_index > ? AND first_index < ?",
            (episode.sensor, episode.boot_id, begin, end),
        )
        for stream, first_index, payload in found.fetchall():
            block = SampleBlock.decode(payload)
            if block.rate_hz != episode.rate_hz:
                continue  # another kind of stream (acceleration, impedance): its indices count other samples
            last = min(block.next_index, end) - 1
            for chunk in range(max(first_index, begin) // samples, last // samples + 1):
                yield (episode.sensor, episode.boot_id, stream), chunk

    def _new_chunk(self, key: _StreamKey, chunk: int) -> RawChunk | None:
        """Return a chunk that is complete, or will not be soon; None if it has no more samples than were written."""
        samples, newest = self._stream_extent(key)
        first, end = chunk * samples, (chunk + 1) * samples
        overlapping = self._database.execute(
            "SELECT payload FROM block WHERE sensor = ? AND boot = ? AND stream = ? "
            "AND next_index > ? AND first_index < ? ORDER BY first_index",
            (*key, first, end),
        )
        assembled = assemble_chunk(key[0], chunk, [SampleBlock.decode(payload) for (payload,) in overlapping])
        if assembled is None:
            return None
        count = int(assembled.is_present.sum())
        if count <= self._written_samples.get((key, chunk), 0) or (count < samples and newest < end + samples):
            return None
        return assembled

    def _stream_extent(self, key: _StreamKey) -> tuple[int, int]:
        """Return the number of samples in a chunk of a stream, and the index after its newest sample."""
        next_index, payload = self._database.execute(
            "SELECT max(next_index), payload FROM block WHERE sensor = ? AND boot = ? AND stream = ?", key
        ).fetchone()
        return (1, 0) if payload is None else (samples_per_chunk(SampleBlock.decode(payload).rate_hz), next_index)

    def _delete_old(self, blocks: Sequence[tuple[str, SampleBlock]]) -> None:
        newest_ns: dict[str, int] = {}
        for sensor, block in blocks:
            newest_ns[sensor] = max(newest_ns.get(sensor, 0), block.first_utc_ns)
        for sensor, now_ns in newest_ns.items():
            self._database.execute(
                "DELETE FROM block WHERE sensor = ? AND utc_ns < ? AND heard_s < ?",
                (sensor, now_ns - _BUFFER_NS, time.time() - _MIN_BUFFER_S),
            )
            self._database.execute(
                "DELETE FROM wanted WHERE sensor = ? AND onset_ns < ?", (sensor, now_ns - _WANTED_NS)
            )

    def _unavailable_error(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The newest samples cannot be stored in {self._path}: {error}.",
            advice="Check the free space and permissions of the folder.",
        )
