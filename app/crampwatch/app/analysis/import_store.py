"""Recorded sessions into a store that has not seen them: judged as a whole, as the final verdict is."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.reanalyse import Heard, retractions, session_verdicts
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.supervise.build import store_url
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.records import SessionSensor
from crampwatch.store.engines import open_store
from crampwatch.store.ingest.recent_samples import RecentSamples
from crampwatch.store.model.interface import RejectedError, Store

__all__ = ["Backfilled", "backfill", "backfill_journal"]

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What of a session went into the store.

    Attributes:
        session: UUID.
        messages: How many were written.
        episodes: Final ones among them.
        raw_s: Seconds of raw EMG around episodes.
    """

    session: str
    messages: int
    episodes: int
    raw_s: int


def backfill(path: Path, settings: Settings, *, progress: Progress) -> Backfilled:
    """Write a session into the store; doing it again changes nothing.

    Raises:
        RecordingError: The session is damaged.
        UnavailableError: The store cannot be written, or will not take it.
    """
    store = _open(settings)
    try:
        with SessionReader(path) as reader:
            loading = _Loading(store)
            verdicts = list(session_verdicts(reader, progress=progress, listener=loading.take))
            session = reader.head.session
        finals = [episode for one in verdicts for episode in one.episodes]
        live = store.episodes(session=session)
        loading.write([*finals, *retractions(live, finals, t_ns=time.time_ns())])
        loading.close()
    finally:
        store.close()
    return Backfilled(session, loading.written, len(finals), loading.raw_s)


def backfill_journal(settings: Settings) -> int:
    """Copy what the wearer noted and was told from the folder's own SQLite store; return how many messages.

    Raises:
        UnavailableError: One of the stores cannot be used.
    """
    path = DataFolder(settings.data).store
    if not path.exists() or store_url(settings).startswith("sqlite:"):
        return 0
    old = open_store(f"sqlite:///{path.resolve().as_posix().lstrip('/')}", read_only=True)
    new = _open(settings)
    try:
        noted: list[messages.Message] = [*old.journal(), *old.notices()]
        for begin in range(0, len(noted), _BATCH):
            new.write(noted[begin : begin + _BATCH])
    finally:
        old.close()
        new.close()
    return len(noted)


class _Loading:
    """Writes what is heard of a session by the batch, and the raw signal around episodes with it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = RecentSamples(Path(":memory:"))
        self._waiting: list[messages.Message] = []
        self.written = 0
        self.raw_s = 0

    def take(self, sensor: SessionSensor, heard: Heard) -> None:
        """Take one thing; episodes are not written as they were said live, and only find their raw signal."""
        if isinstance(heard, SampleBlock):
            self._add_raw([(sensor.sensor, heard)], [])
        elif isinstance(heard, messages.Episode):
            self._add_raw([], [heard])
        else:
            self._waiting.append(heard)
        if len(self._waiting) >= _BATCH:
            self.write([])

    def write(self, more: Iterable[messages.Message]) -> None:
        """Write what waits."""
        batch = [*self._waiting, *more]
        self._waiting = []
        try:
            for begin in range(0, len(batch), _BATCH):
                self._store.write(batch[begin : begin + _BATCH])
        except RejectedError as error:
            raise UnavailableError(str(error), advice="Is it the database meant, and empty of other data?") from error
        self.written += len(batch)

    def close(self) -> None:
        self._recent.close()

    def _add_raw(self, blocks: list[tuple[str, SampleBlock]], episodes: list[messages.Episode]) -> None:
        found = self._recent.add(blocks, episodes)
        self._recent.mark_written(found)
        self._waiting += found
        self.raw_s += len(found)


def _open(settings: Settings) -> Store:
    store = settings.store
    return open_store(store_url(settings), token=store.token, org=store.org, bucket=store.bucket)
