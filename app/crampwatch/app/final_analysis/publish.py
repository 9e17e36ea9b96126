"""The final analysis of one session: analysed as a whole, then published or stored, then saved beside the sessions.

Where a broker answers, the episodes take the way of every other episode (broker, then store, page and Home Assistant),
and this process watches the store until it holds them; where none answers they are written into the store directly.
Live episodes that the analysis did not confirm are retracted. The file in `final/` is written last, so that whatever
interrupts this is made good by doing it again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.session_analysis import SensorAnalysis, analyse_session, retractions
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.addresses import broker_address, open_store_of
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.final_analysis.files import save_final_episodes, save_live_episodes
from crampwatch.bus.client import Bus, publish_message
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.topics import Leaf
from crampwatch.store.model.interface import Store

__all__ = ["FinalResult", "finalise_session"]

_STORED_TIMEOUT_S: Final = 20.0
"""A store with a backlog of an hour needs 15 s."""
_POLL_S: Final = 0.1
_CONNECT_TIMEOUT_S: Final = 2.0
"""Short: a broker of this machine answers at once, and one that is away is not waited for."""


@dataclass(frozen=True, slots=True)
class FinalResult:
    """The result of a final analysis.

    Attributes:
        session: UUID.
        sensors: One result per sensor.
        retracted: Live episodes that the analysis did not confirm.
    """

    session: str
    sensors: tuple[SensorAnalysis, ...]
    retracted: int

    @property
    def episodes(self) -> list[messages.Episode]:
        """The final episodes of all sensors."""
        return [episode for one in self.sensors for episode in one.episodes]

    @property
    def counts(self) -> dict[str, int]:
        """Number of episodes by kind."""
        return dict(sorted(Counter(str(episode.kind) for episode in self.episodes).items()))

    @property
    def monitored_s(self) -> float:
        """Longest signal of any sensor."""
        return max((one.monitored_s for one in self.sensors), default=0.0)


async def finalise_session(path: Path, settings: Settings, *, progress: Progress) -> FinalResult:
    """Analyse a session and return when the store holds the result; doing it again changes nothing.

    Raises:
        RecordingError: The session is damaged.
        UnavailableError: The store cannot be used, or did not store the result in time.
    """
    session, sensors = await asyncio.to_thread(_analyse, path, progress)
    finals = [episode for one in sensors for episode in one.episodes]
    folder = DataFolder(settings.data)
    store = open_store_of(settings)
    try:
        live = await asyncio.to_thread(store.episodes, session=session, with_retracted=True)
        save_live_episodes(folder, session, live)
        retracted = await _publish_or_store(settings, store, session, finals)
    finally:
        store.close()
    save_final_episodes(folder, session, finals)
    return FinalResult(session, sensors, retracted)


def _analyse(path: Path, progress: Progress) -> tuple[str, tuple[SensorAnalysis, ...]]:
    with SessionReader(path) as reader:
        return reader.head.session, tuple(analyse_session(reader, progress=progress))


async def _publish_or_store(settings: Settings, store: Store, session: str, finals: list[messages.Episode]) -> int:
    """Return how many live episodes were retracted."""
    try:
        address = broker_address(settings, "finaliser")
        client_id = f"crampwatch-final-{session[:8]}"
        async with Bus(address, client_id=client_id, first_timeout_s=_CONNECT_TIMEOUT_S) as bus:
            return await _publish_until_stored(bus, store, session, finals)
    except (ConfigurationError, UnavailableError):
        live = await asyncio.to_thread(store.episodes, session=session)
        retracted = retractions(live, finals, t_ns=time.time_ns())
        await asyncio.to_thread(store.write, [*finals, *retracted])
        return len(retracted)


async def _publish_until_stored(bus: Bus, store: Store, session: str, finals: list[messages.Episode]) -> int:
    """Publish until the store holds the final episodes and nothing else of the session.

    Episodes that appear meanwhile are retracted too: the live detector's last ones may still be on their way.
    """
    await _publish(bus, finals)
    retracted: set[str] = set()
    expected = {episode.id for episode in finals}
    deadline_s = asyncio.get_running_loop().time() + _STORED_TIMEOUT_S
    while True:
        stored = await asyncio.to_thread(store.episodes, session=session)
        late = [one for one in retractions(stored, finals, t_ns=time.time_ns()) if one.id not in retracted]
        await _publish(bus, late)
        retracted |= {one.id for one in late}
        if {one.id for one in stored} == expected and all(one.status == "final" for one in stored):
            return len(retracted)
        if asyncio.get_running_loop().time() > deadline_s:
            raise UnavailableError(
                f"The store did not save the final result of session {session} within {_STORED_TIMEOUT_S:g} s.",
                advice="Check that `crampwatch store` is running, then run `crampwatch finalise` again.",
            )
        await asyncio.sleep(_POLL_S)


async def _publish(bus: Bus, episodes: Iterable[messages.Episode]) -> None:
    for episode in episodes:
        await publish_message(bus, episode, Leaf.EPISODE)
