"""The recordings of a data folder as nights are made of them: followed while they grow, kept read once they ended."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from crampwatch.decoding.profiles import profile_named
from crampwatch.journal import SessionEntry, SessionReader, session_entry, sessions
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.web.night.cache import CACHE_SUFFIX, covered_ranges_ns, load_cache, load_cached_ranges_ns, save_cache
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.viewport import ReadSamples
from crampwatch.web.night.reader import SensorNight, SessionFollower, samples_of
from numpy.typing import NDArray

__all__ = ["Recording", "Recordings"]

_KEPT_OPEN: Final = 6
"""Nights in memory, about 25 MB each; any other opens from its cache within a fraction of a second."""
_PAUSE_S: Final = 2.0
_BREATH_S: Final = 0.01
_ABANDONED_S: Final = 600.0
_FIT_EVERY_S: Final = 20.0
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of one session for drawing it.

    Attributes:
        sensors: By id.
        share: How much of the file was read so far, 0 to 1.
        problem: Why it cannot be read on; empty where it can.
    """

    sensors: dict[str, SensorNight]
    share: float
    problem: str = ""


class Recordings:
    """Session files of some folders.

    Args:
        folders: Where they lie; each may come later.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)
        self._entries: dict[Path, tuple[tuple[int, ...], SessionEntry]] = {}
        self._open: OrderedDict[Path, Recording] = OrderedDict()
        self._following: dict[Path, SessionFollower] = {}
        self._covered: dict[Path, NDArray[np.int64]] = {}
        self._wanted: Path | None = None

    def entries(self) -> list[SessionEntry]:
        """Return all sessions, oldest first; files that have not changed are not opened again. Blocks."""
        found = []
        for folder in self.folders:
            paths = sorted(folder.glob("*.cws")) if folder.is_dir() else []
            stale = [path for path in paths if path not in self._entries or self._entries[path][0] != _stamp(path)]
            if len(stale) > len(paths) // 2:
                self._entries.update({entry.path: (_stamp(entry.path), entry) for entry in sessions(folder)})
            for path in stale if len(stale) <= len(paths) // 2 else ():
                self._entries[path] = (_stamp(path), session_entry(path))
            found += [self._entries[path][1] for path in paths if path in self._entries]
        return sorted(found, key=lambda entry: entry.path.name)

    def recording(self, path: Path) -> Recording:
        """Return what is known of a session by now; what is not is read next. Blocks for one file at most."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        kept = self._kept(path)
        if kept is not None:
            self._open[path] = kept
            while len(self._open) > _KEPT_OPEN:
                self._open.popitem(last=False)
            return kept
        self._wanted = path
        follower = self._following.get(path)
        return Recording({} if follower is None else dict(follower.sensors), follower.share if follower else 0.0)

    def covered_ns(self, path: Path) -> NDArray[np.int64] | None:
        """Return when a session has samples, shape (stretches, 2); None as long as it was not read. May block."""
        if path in self._covered:
            return self._covered[path]
        follower = self._following.get(path)
        if follower is not None:
            return covered_ranges_ns(follower.sensors) if follower.seq >= follower.last_seq else None
        recording = self._open.get(path)
        covered = load_cached_ranges_ns(_cache_of(path)) if recording is None else covered_ranges_ns(recording.sensors)
        if covered is not None:
            self._covered[path] = covered
        return covered

    def forget(self, path: Path) -> None:
        """A file is gone, or another: drop what was read of it, and what was kept."""
        self._open.pop(path, None)
        self._following.pop(path, None)
        self._entries.pop(path, None)
        self._covered.pop(path, None)
        _cache_of(path).unlink(missing_ok=True)

    def reader(self, path: Path) -> ReadSamples:
        """Return what reads single samples of a session. Blocks."""

        def read(signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
            return _samples(path, signal, first, end)

        return read

    async def follow(self) -> None:
        """Read what was not read yet, a little at a time, until cancelled; what somebody waits for comes first."""
        while True:
            path = await asyncio.to_thread(self._next)
            if path is None:
                await asyncio.sleep(_PAUSE_S)
                continue
            follower = self._following.setdefault(path, SessionFollower(path))
            try:
                await self._read(follower)
            except CrampwatchError as error:
                _log.warning("a night cannot be drawn: %s", error)
                self._open[path] = Recording(dict(follower.sensors), 1.0, str(error))
                self._following.pop(path, None)

    def _next(self) -> Path | None:
        """Return a session of which there is something to read."""
        pending = [entry.path for entry in self.entries() if entry.summary is not None and self._is_pending(entry)]
        if self._wanted in pending:
            return self._wanted
        return pending[-1] if pending else None

    def _is_pending(self, entry: SessionEntry) -> bool:
        follower = self._following.get(entry.path)
        if follower is not None:
            with SessionReader(entry.path) as reader:
                return reader.last_seq > follower.seq or reader.ended
        return entry.path not in self._open and not _cache_of(entry.path).exists()

    async def _read(self, follower: SessionFollower) -> None:
        loop = asyncio.get_running_loop()
        fitted_s = 0.0
        while True:
            more = await asyncio.to_thread(follower.step)
            if not more or loop.time() - fitted_s > _FIT_EVERY_S:
                await asyncio.to_thread(follower.fit)
                fitted_s = loop.time()
            if not more:
                break
            await asyncio.sleep(_BREATH_S)
            if self._wanted not in (None, follower.path) and self._wanted not in self._open:
                return  # somebody waits for another one
        if follower.is_complete:
            await asyncio.to_thread(save_cache, _cache_of(follower.path), follower.sensors, last_seq=follower.last_seq)
            self._open[follower.path] = Recording(follower.sensors, 1.0)
            self._following.pop(follower.path, None)
        if self._wanted == follower.path:
            self._wanted = None

    def _kept(self, path: Path) -> Recording | None:
        cache = _cache_of(path)
        if path in self._following or not cache.exists():
            return None
        with SessionReader(path) as reader:
            last_seq = reader.last_seq
        sensors = load_cache(cache, last_seq=last_seq)
        if sensors is None:
            cache.unlink(missing_ok=True)
            return None
        return Recording(sensors, 1.0)


def _was_cut_short(follower: SessionFollower) -> bool:
    """Whether a session that did not end seems to be written by nobody."""
    return time.time() - max(_stamp(follower.path)[::2]) / 1e9 > _ABANDONED_S


def _samples(path: Path, signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
    values = np.full((max(0, end - first), signal.channels), np.nan)
    rows = signal.table()
    reach = int(rows[:, 1].max(initial=0))
    begin = int(np.searchsorted(rows[:, 0], first - reach))
    chosen = rows[begin : int(np.searchsorted(rows[:, 0], end))]
    with SessionReader(path) as reader:
        key = {one.sensor: one.profile for one in reader.sensors()}
        profile = profile_named(key[signal.sensor])
        payloads = reader.payloads(chosen[:, 3].tolist())
    for row, payload in zip(chosen.tolist(), payloads, strict=True):
        part = samples_of(profile, signal, tuple(row), payload)
        at = row[0] - first
        values[max(0, at) : at + len(part)] = part[max(0, -at) : len(values) - at]
    return values


def _cache_of(path: Path) -> Path:
    return path.parent.parent / "cache" / (path.stem + CACHE_SUFFIX)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written to, its log included."""
    stamps = []
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            status = part.stat()
            stamps += [status.st_mtime_ns, status.st_size]
        except OSError:
            stamps += [0, 0]
    return tuple(stamps)
