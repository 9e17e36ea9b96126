"""Night and session views as one: what they need, what they answer, what they do besides."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.web.backups.api import BackupsApi
from crampwatch.web.backups.jobs import BackupJobs, BackupWork
from crampwatch.web.http.openapi import Operation
from crampwatch.web.night.api import NightApi, Publish
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.night.repository import NightRepository, NightStore
from crampwatch.web.sessions.api import SessionsApi
from crampwatch.web.sessions.exports import Export, Exports
from crampwatch.web.sessions.replay import Replay, ReplayCommand
from crampwatch.web.sessions.trash import Shelf

__all__ = ["Archive", "ArchiveOptions"]


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """What is kept of nights.

    Attributes:
        folders: Where session files lie.
        stores: What is known of them.
        live_verdicts: What was said live of a session's episodes, before the final verdict.
        export: Writes a session in a format of other programs; None: nothing can be exported.
        replay: The command that plays a session, speaking JSON Lines; None: nothing can be played.
        backups: Does the work on backups; None: there are none.
    """

    folders: tuple[Path, ...] = ()
    stores: tuple[NightStore, ...] = ()
    live_verdicts: Callable[[str], dict[str, Episode]] = field(default=lambda _session: {})
    export: Export | None = None
    replay: ReplayCommand | None = None
    backups: BackupWork | None = None


class Archive:
    """The views of what was.

    Args:
        options: What is kept.
        publish: Keeps what the wearer notes.
    """

    def __init__(self, options: ArchiveOptions, publish: Publish) -> None:
        self._recordings = Recordings(options.folders)
        self._book = NightRepository(self._recordings, options.stores)
        self._publish = publish
        self._nights = NightApi(self._book, publish, options.live_verdicts)
        self._shelf = Shelf(self._recordings)
        workshop = options.folders[0].parent / "cache" / "exports" if options.folders else None
        self._exports = Exports(workshop, options.export) if workshop and options.export else None
        self._replay = Replay(options.replay) if options.replay else None
        self._sessions = SessionsApi(self._shelf, self._exports, self._replay)
        self._backups = BackupJobs(options.backups) if options.backups else None

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        backups = BackupsApi(self._backups).operations() if self._backups else []
        return [*self._nights.operations(), *self._sessions.operations(), *backups]

    async def note(self, entries: Sequence[JournalEntry]) -> None:
        """Keep what the wearer noted, and show it from now on.

        Raises:
            CrampwatchError: It cannot be kept.
        """
        await self._publish(entries)
        self._book.note(entries)

    async def run(self) -> None:
        """Read what is recorded, until cancelled."""
        try:
            await asyncio.to_thread(self._shelf.purge)
            if self._backups is not None:
                await asyncio.to_thread(self._backups.remove_leftovers)
            await self._recordings.follow()
        finally:
            if self._backups is not None:
                self._backups.close()
            if self._exports is not None:
                self._exports.close()
            if self._replay is not None:
                self._replay.stop()
