"""Night and session views as one: what they need, what they answer, what they do besides."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crampwatch.protocol.messages import Episode
from crampwatch.web.night_api import NightApi, Publish
from crampwatch.web.night_book import NightBook, NightStore
from crampwatch.web.night_recordings import Recordings
from crampwatch.web.openapi import Operation

__all__ = ["Archive", "ArchiveOptions"]


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """What is kept of nights.

    Attributes:
        folders: Where session files lie.
        stores: What is known of them.
        live_verdicts: What was said live of a session's episodes, before the final verdict.
    """

    folders: tuple[Path, ...] = ()
    stores: tuple[NightStore, ...] = ()
    live_verdicts: Callable[[str], dict[str, Episode]] = field(default=lambda _session: {})


class Archive:
    """The views of what was.

    Args:
        options: What is kept.
        publish: Keeps what the wearer notes.
    """

    def __init__(self, options: ArchiveOptions, publish: Publish) -> None:
        self._recordings = Recordings(options.folders)
        book = NightBook(self._recordings, options.stores)
        self._nights = NightApi(book, publish, options.live_verdicts)

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        return self._nights.operations()

    async def run(self) -> None:
        """Read what is recorded, until cancelled."""
        await self._recordings.follow()
