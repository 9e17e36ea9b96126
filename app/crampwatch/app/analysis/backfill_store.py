"""Loads recorded sessions into a store that does not hold them, such as a new database.

A session is analysed as a whole, and everything that its live run would have published is written: features, states,
temperatures, battery, final episodes, and the raw signal around them. Points have the same times and tags as live ones,
so that doing it again, or for a session that the store holds partly, changes nothing.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.session_analysis import SessionEvent, analyse_session, retractions
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.addresses import open_store_of, sqlite_url, store_url
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.records import SessionSensor
from crampwatch.store.engines import open_store
from crampwatch.store.ingest.recent_samples import RecentSamples
from crampwatch.store.model.interface import RejectedError, Store

__all__ = ["BackfillResult", "backfill_journal", "backfill_session"]

_BATCH: Final = 500
"""Messages per write; bounds the memory used and the length of one transaction or request."""


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What was written of a session.

    Attributes:
        session: UUID.
        messages: Messages written, episodes included.
        episodes: Final episodes.
        raw_s: Seconds of raw EMG around episodes.
    """

    session: str
    messages: int
    episodes: int
    raw_s: int


def backfill_session(path: Path, settings: Settings, *, progress: Progress) -> BackfillResult:
    """Write a session into the store; doing it again changes nothing.

    Raises:
        RecordingError: The session is damaged.
        UnavailableError: The store cannot be written, or rejects the data.
    """
    store = open_store_of(settings)
    try:
        with SessionReader(path) as reader:
            writer = _BatchWriter(store)
            sensors = list(analyse_session(reader, progress=progress, listener=writer.handle))
            session = reader.head.session
        finals = [episode for one in sensors for episode in one.episodes]
        live = store.episodes(session=session)
        writer.write([*finals, *retractions(live, finals, t_ns=time.time_ns())])
        writer.close()
    finally:
        store.close()
    return BackfillResult(session, writer.written, len(finals), writer.raw_s)


def backfill_journal(settings: Settings) -> int:
    """Copy the wearer's notes and all notices from the folder's own SQLite store; return how many messages.

    They are in no session. Does nothing where the settings name that store itself.

    Raises:
        UnavailableError: One of the stores cannot be used.
    """
    path = DataFolder(settings.data).store
    if not path.exists() or store_url(settings).startswith("sqlite:"):
        return 0
    old = open_store(sqlite_url(path), read_only=True)
    new = open_store_of(settings)
    try:
        noted: list[messages.Message] = [*old.journal(), *old.notices()]
        for start in range(0, len(noted), _BATCH):
            new.write(noted[start : start + _BATCH])
    finally:
        old.close()
        new.close()
    return len(noted)


class _BatchWriter:
    """Writes the messages of a session in batches, and the raw signal around its episodes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = RecentSamples(Path(":memory:"))
        self._waiting: list[messages.Message] = []
        self.written = 0
        self.raw_s = 0

    def handle(self, sensor: SessionSensor, event: SessionEvent) -> None:
        """Queue one event. A live episode only selects its raw signal: the final ones are written at the end."""
        if isinstance(event, SampleBlock):
            self._add_raw([(sensor.sensor, event)], [])
        elif isinstance(event, messages.Episode):
            self._add_raw([], [event])
        else:
            self._waiting.append(event)
        if len(self._waiting) >= _BATCH:
            self.write([])

    def write(self, more: Iterable[messages.Message]) -> None:
        """Write everything queued, and `more` after it."""
        batch = [*self._waiting, *more]
        self._waiting = []
        try:
            for start in range(0, len(batch), _BATCH):
                self._store.write(batch[start : start + _BATCH])
        except RejectedError as error:
            raise UnavailableError(
                str(error),
                advice="Check that --store names the right database, and that it holds no data of other programs.",
            ) from error
        self.written += len(batch)

    def close(self) -> None:
        self._recent.close()

    def _add_raw(self, blocks: list[tuple[str, SampleBlock]], episodes: list[messages.Episode]) -> None:
        found = self._recent.add(blocks, episodes)
        self._recent.mark_written(found)
        self._waiting += found
        self.raw_s += len(found)
