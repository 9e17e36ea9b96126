"""The recordings of a data folder: read in the background while they grow, and cached once they have ended.

A night must open within a second, but reading a recording of ten hours takes far longer. So a background task reads
every recording once, in small batches, and writes what was read into a cache beside it (:mod:`.cache`). A recording is
in one of these states:

- not read: only its summary is known; reading it is due;
- being followed (``_followers``): partly read, or read to the present end of a file that still grows;
- cached: it ended, was read completely, and opens from the cache; the six used last stay in memory (``_open``);
- unreadable: ``_open`` holds what could be read, and the problem.

Whoever asks for a recording gets what is known of it now, and that recording is read next.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from crampwatch.decoding.profiles import find_profile
from crampwatch.journal import SessionEntry, SessionReader, list_sessions, read_session_entry
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.web.night.cache import CACHE_SUFFIX, covered_ranges_ns, load_cache, load_cached_ranges_ns, save_cache
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.viewport import ReadSamples
from crampwatch.web.night.reader import SensorNight, SessionFollower, samples_of
from numpy.typing import NDArray

__all__ = ["Recording", "Recordings"]

_MAX_OPEN: Final = 6
"""Recordings in memory, about 25 MB each; any other opens from its cache within a fraction of a second."""
_POLL_S: Final = 2.0
"""How often to look for new records when everything has been read."""
_BATCH_PAUSE_S: Final = 0.01
"""Pause between batches, so that reading does not delay the live view."""
_FIT_EVERY_S: Final = 20.0
"""While a long file is read: how often to set times, so that the part read so far can be drawn."""
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """What has been read of one session.

    Attributes:
        sensors: Its sensors, by id.
        share_read: How much of the file has been read, 0 to 1.
        problem: Why it cannot be read further; empty if it can.
    """

    sensors: dict[str, SensorNight]
    share_read: float
    problem: str = ""


class Recordings:
    """The session files in some folders.

    Args:
        folders: The folders; each may be created later.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)
        self._entries: dict[Path, tuple[tuple[int, ...], SessionEntry]] = {}
        self._open: OrderedDict[Path, Recording] = OrderedDict()
        self._followers: dict[Path, SessionFollower] = {}
        self._covered: dict[Path, NDArray[np.int64]] = {}
        self._requested: Path | None = None

    def entries(self) -> list[SessionEntry]:
        """Return all sessions, oldest first. Blocks; files that have not changed are not opened again."""
        entries = []
        for folder in self.folders:
            paths = sorted(folder.glob("*.cws")) if folder.is_dir() else []
            stale = [path for path in paths if path not in self._entries or self._entries[path][0] != _file_stamp(path)]
            if len(stale) > len(paths) // 2:
                self._entries.update({entry.path: (_file_stamp(entry.path), entry) for entry in list_sessions(folder)})
            for path in stale if len(stale) <= len(paths) // 2 else ():
                self._entries[path] = (_file_stamp(path), read_session_entry(path))
            entries += [self._entries[path][1] for path in paths if path in self._entries]
        return sorted(entries, key=lambda entry: entry.path.name)

    def recording(self, path: Path) -> Recording:
        """Return what has been read of a session; if it is not cached, it is read next. May block for one file."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        cached = self._load_cached(path)
        if cached is not None:
            self._open[path] = cached
            while len(self._open) > _MAX_OPEN:
                self._open.popitem(last=False)
            return cached
        self._requested = path
        follower = self._followers.get(path)
        return Recording({} if follower is None else dict(follower.sensors), follower.share_read if follower else 0.0)

    def covered_ns(self, path: Path) -> NDArray[np.int64] | None:
        """Return when a session has samples, shape (ranges, 2); None until it has been read. May block."""
        if path in self._covered:
            return self._covered[path]
        follower = self._followers.get(path)
        if follower is not None:
            return covered_ranges_ns(follower.sensors) if follower.seq >= follower.last_seq else None
        recording = self._open.get(path)
        covered = (
            load_cached_ranges_ns(_cache_path(path)) if recording is None else covered_ranges_ns(recording.sensors)
        )
        if covered is not None:
            self._covered[path] = covered
        return covered

    def invalidate(self, path: Path) -> None:
        """Discard what was read of a file, and its cache: it was removed or replaced."""
        self._open.pop(path, None)
        self._followers.pop(path, None)
        self._entries.pop(path, None)
        self._covered.pop(path, None)
        _cache_path(path).unlink(missing_ok=True)

    def sample_reader(self, path: Path) -> ReadSamples:
        """Return a function that reads samples of a session; calls of it block."""

        def read(signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
            return _read_samples(path, signal, first, end)

        return read

    async def follow(self) -> None:
        """Read what has not been read, in small batches, until cancelled; the recording requested last comes first."""
        while True:
            path = await asyncio.to_thread(self._next_path)
            if path is None:
                await asyncio.sleep(_POLL_S)
                continue
            follower = self._followers.setdefault(path, SessionFollower(path))
            try:
                await self._read_on(follower)
            except CrampwatchError as error:
                _log.warning("cannot read a recording for the night view: %s", error)
                self._open[path] = Recording(dict(follower.sensors), 1.0, str(error))
                self._followers.pop(path, None)

    def _next_path(self) -> Path | None:
        """Return a session with something left to read: the requested one, else the newest."""
        pending = [entry.path for entry in self.entries() if entry.summary is not None and self._is_pending(entry)]
        if self._requested in pending:
            return self._requested
        return pending[-1] if pending else None

    def _is_pending(self, entry: SessionEntry) -> bool:
        follower = self._followers.get(entry.path)
        if follower is not None:
            with SessionReader(entry.path) as reader:
                return reader.last_seq > follower.seq or reader.has_ended
        return entry.path not in self._open and not _cache_path(entry.path).exists()

    async def _read_on(self, follower: SessionFollower) -> None:
        loop = asyncio.get_running_loop()
        fitted_s = 0.0
        while True:
            more = await asyncio.to_thread(follower.read_batch)
            if not more or loop.time() - fitted_s > _FIT_EVERY_S:
                await asyncio.to_thread(follower.fit_times)
                fitted_s = loop.time()
            if not more:
                break
            await asyncio.sleep(_BATCH_PAUSE_S)
            if self._requested not in (None, follower.path) and self._requested not in self._open:
                return  # somebody waits for another recording
        if follower.is_complete:
            await asyncio.to_thread(
                save_cache, _cache_path(follower.path), follower.sensors, last_seq=follower.last_seq
            )
            self._open[follower.path] = Recording(follower.sensors, 1.0)
            self._followers.pop(follower.path, None)
        if self._requested == follower.path:
            self._requested = None

    def _load_cached(self, path: Path) -> Recording | None:
        cache = _cache_path(path)
        if path in self._followers or not cache.exists():
            return None
        with SessionReader(path) as reader:
            last_seq = reader.last_seq
        sensors = load_cache(cache, last_seq=last_seq)
        if sensors is None:
            cache.unlink(missing_ok=True)
            return None
        return Recording(sensors, 1.0)


def _read_samples(path: Path, signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
    values = np.full((max(0, end - first), signal.channels), np.nan)
    rows = signal.frame_table()
    longest = int(rows[:, 1].max(initial=0))  # a frame that starts this much earlier may reach into the range
    begin = int(np.searchsorted(rows[:, 0], first - longest))
    chosen = rows[begin : int(np.searchsorted(rows[:, 0], end))]
    with SessionReader(path) as reader:
        key = {one.sensor: one.profile for one in reader.sensors()}
        profile = find_profile(key[signal.sensor])
        payloads = reader.payloads(chosen[:, 3].tolist())
    for row, payload in zip(chosen.tolist(), payloads, strict=True):
        part = samples_of(profile, signal, tuple(row), payload)
        at = row[0] - first
        values[max(0, at) : at + len(part)] = part[max(0, -at) : len(values) - at]
    return values


def _cache_path(path: Path) -> Path:
    return path.parent.parent / "cache" / (path.stem + CACHE_SUFFIX)


def _file_stamp(path: Path) -> tuple[int, ...]:
    """Return times and sizes that change when a session file or its write-ahead log is written."""
    stamps = []
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            status = part.stat()
            stamps += [status.st_mtime_ns, status.st_size]
        except OSError:
            stamps += [0, 0]
    return tuple(stamps)
