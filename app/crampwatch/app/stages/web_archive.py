"""What the page needs for recorded nights: folders, stores, live episodes, export, backups and replay."""

from functools import partial
from pathlib import Path
from typing import Final

from crampwatch.app.backup.page_backups import PageBackups
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.final_analysis.files import load_live_episodes
from crampwatch.app.runtime.supervised import PROGRAM
from crampwatch.bus.endpoint import free_port
from crampwatch.protocol.messages import Episode
from crampwatch.store.model.interface import Store
from crampwatch.store.sqlite.store import SqliteStore
from crampwatch.web.archive import ArchiveOptions

__all__ = ["archive_options"]

_PARTS: Final = ("demo", "replay")


def archive_options(settings: Settings, history: Store) -> ArchiveOptions:
    """Return the sources of a data folder, and of the folders for simulated and replayed nights within it.

    A page within one of those folders offers no replay: replays of replays would nest without end.
    """
    folder = DataFolder(settings.data)
    parts = [folder.part(name) for name in _PARTS]
    folders = [folder, *parts]

    def live_episodes(session: str) -> dict[str, Episode]:
        return {episode.id: episode for one in folders for episode in load_live_episodes(one, session)}

    return ArchiveOptions(
        folders=tuple(one.sessions for one in folders),
        stores=(history, *(SqliteStore(one.store, read_only=True) for one in parts)),
        live_episodes=live_episodes,
        export=_export,
        backups=PageBackups(settings),
        replay=None if folder.root.name in _PARTS else partial(_replay_command, folder),
    )


def _export(path: Path, out: Path, sensor: str | None, progress: Progress) -> int:
    # Loads the detector, 60 MB that a page without an export does not need.
    from crampwatch.app.analysis.export import export_session

    return export_session(path, out, sensor=sensor, progress=progress)


def _replay_command(folder: DataFolder, path: Path, speed: float) -> list[str]:
    """Return the command that plays a session; its page listens on this machine only."""
    options = ["--data", str(folder.root), "--web-host", "127.0.0.1", "--port", str(free_port())]
    return [*PROGRAM, "replay", str(path), "--speed", f"{speed:g}", "--json", "--no-browser", *options]
