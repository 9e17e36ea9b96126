"""Wires nights, sessions and backups together: their options, their HTTP operations, their background work."""

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
from crampwatch.web.night.repository import NightRepository
from crampwatch.web.night.stores import NightStore
from crampwatch.web.sessions.api import SessionsApi
from crampwatch.web.sessions.exports import Export, Exports
from crampwatch.web.sessions.replay import Replay, ReplayCommand
from crampwatch.web.sessions.repository import SessionRepository

__all__ = ["Archive", "ArchiveOptions"]


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Where recorded nights are, and what can be done with them.

    Attributes:
        folders: Folders with session files.
        stores: Stores with their episodes.
        live_episodes: Returns the live results of a session by episode id, for comparison with the final ones.
        export: Writes a session in another file format; None if exporting is not offered.
        replay: Returns the command that replays a session; None if replaying is not offered.
        backups: Does the work on backups; None if backups are not offered.
    """

    folders: tuple[Path, ...] = ()
    stores: tuple[NightStore, ...] = ()
    live_episodes: Callable[[str], dict[str, Episode]] = field(default=lambda _session: {})
    export: Export | None = None
    replay: ReplayCommand | None = None
    backups: BackupWork | None = None


class Archive:
    """Nights, sessions and backups of a data folder.

    Args:
        options: Where they are, and what is offered.
        publish: Publishes the wearer's notes; returns when the broker has confirmed them.
    """

    def __init__(self, options: ArchiveOptions, publish: Publish) -> None:
        self._recordings = Recordings(options.folders)
        self._repository = NightRepository(self._recordings, options.stores)
        self._publish = publish
        self._nights = NightApi(self._repository, publish, options.live_episodes)
        self._session_files = SessionRepository(self._recordings)
        export_folder = options.folders[0].parent / "cache" / "exports" if options.folders else None
        self._exports = Exports(export_folder, options.export) if export_folder and options.export else None
        self._replay = Replay(options.replay) if options.replay else None
        self._sessions = SessionsApi(self._session_files, self._exports, self._replay)
        self._backups = BackupJobs(options.backups) if options.backups else None

    def operations(self) -> list[Operation]:
        """Return the operations of nights, sessions and backups."""
        backups = BackupsApi(self._backups).operations() if self._backups else []
        return [*self._nights.operations(), *self._sessions.operations(), *backups]

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Publish the wearer's notes, and show them from now on.

        Raises:
            CrampwatchError: They could not be published.
        """
        await self._publish(entries)
        self._repository.add_entries(entries)

    async def run(self) -> None:
        """Clean up once, then read recordings in the background, until cancelled."""
        try:
            await asyncio.to_thread(self._session_files.purge_trash)
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
