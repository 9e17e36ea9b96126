"""Where the page finds the nights that were recorded."""

from crampwatch.app.finals import said_live
from crampwatch.app.folder import DataFolder
from crampwatch.app.settings import Settings
from crampwatch.protocol.messages import Episode
from crampwatch.store.sqlite import SqliteStore
from crampwatch.store.store import Store
from crampwatch.web.archive import ArchiveOptions

__all__ = ["archive_options"]

_PARTS = ("demo", "replay")


def archive_options(settings: Settings, history: Store) -> ArchiveOptions:
    """Return the nights of a data folder, and of the folders of simulated and replayed ones within it."""
    folder = DataFolder(settings.data)
    parts = [folder.part(name) for name in _PARTS]
    folders = [folder, *parts]

    def live_verdicts(session: str) -> dict[str, Episode]:
        return {episode.id: episode for one in folders for episode in said_live(one, session)}

    return ArchiveOptions(
        folders=tuple(one.sessions for one in folders),
        stores=(history, *(SqliteStore(one.store, read_only=True) for one in parts)),
        live_verdicts=live_verdicts,
    )
