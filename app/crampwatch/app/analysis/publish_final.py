"""The final verdict over a session that has ended: judged anew, published or stored, and kept beside the sessions."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crampwatch.app.analysis.final_registry import keep_live, mark_final
from crampwatch.app.analysis.reanalyse import SensorVerdict, retractions, session_verdicts
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.supervise.build import broker_address, store_url
from crampwatch.bus.client import Bus, publish_message
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.topics import Leaf
from crampwatch.store.engines import open_store
from crampwatch.store.model.interface import Store

__all__ = ["FinalVerdict", "finalise"]

_STORED_TIMEOUT_S = 20.0
_LOOK_S = 0.1
_CONNECT_S = 2.0


@dataclass(frozen=True, slots=True)
class FinalVerdict:
    """What the verdict came to.

    Attributes:
        session: UUID.
        verdicts: One a sensor.
        retracted: How many live episodes did not stand.
    """

    session: str
    verdicts: tuple[SensorVerdict, ...]
    retracted: int

    @property
    def episodes(self) -> list[messages.Episode]:
        """All final episodes."""
        return [episode for verdict in self.verdicts for episode in verdict.episodes]

    @property
    def counts(self) -> dict[str, int]:
        """How many episodes of each kind."""
        return dict(sorted(Counter(str(episode.kind) for episode in self.episodes).items()))


async def finalise(path: Path, settings: Settings, *, progress: Progress) -> FinalVerdict:
    """Judge a session, and return when the store holds the verdict; doing it again changes nothing.

    With a broker that answers it goes the way of every episode, else straight into the store.

    Raises:
        RecordingError: The session is damaged.
        UnavailableError: The store does not take it.
    """
    session, verdicts = await asyncio.to_thread(_judge, path, progress)
    finals = [episode for one in verdicts for episode in one.episodes]
    store = open_store(
        store_url(settings), token=settings.store.token, org=settings.store.org, bucket=settings.store.bucket
    )
    try:
        live = await asyncio.to_thread(store.episodes, session=session, with_retracted=True)
        keep_live(DataFolder(settings.data), session, live)
        retracted = await _hand_over(settings, store, session, finals)
    finally:
        store.close()
    mark_final(DataFolder(settings.data), session, finals)
    return FinalVerdict(session, verdicts, retracted)


def _judge(path: Path, progress: Progress) -> tuple[str, tuple[SensorVerdict, ...]]:
    with SessionReader(path) as reader:
        return reader.head.session, tuple(session_verdicts(reader, progress=progress))


async def _hand_over(settings: Settings, store: Store, session: str, finals: list[messages.Episode]) -> int:
    try:
        address = broker_address(settings, "finaliser")
        async with Bus(address, client_id=f"crampwatch-final-{session[:8]}", first_timeout_s=_CONNECT_S) as bus:
            return await _publish(bus, store, session, finals)
    except (ConfigurationError, UnavailableError):
        live = await asyncio.to_thread(store.episodes, session=session)
        withdrawn = retractions(live, finals, t_ns=time.time_ns())
        await asyncio.to_thread(store.write, [*finals, *withdrawn])
        return len(withdrawn)


async def _publish(bus: Bus, store: Store, session: str, finals: list[messages.Episode]) -> int:
    """Publish until the store holds the finals and nothing else of the session."""
    await _tell(bus, finals)
    withdrawn: set[str] = set()
    expected = {episode.id for episode in finals}
    deadline_s = asyncio.get_running_loop().time() + _STORED_TIMEOUT_S
    while True:
        held = await asyncio.to_thread(store.episodes, session=session)
        late = [one for one in retractions(held, finals, t_ns=time.time_ns()) if one.id not in withdrawn]
        await _tell(bus, late)
        withdrawn |= {one.id for one in late}
        if {one.id for one in held} == expected and all(one.status == "final" for one in held):
            return len(withdrawn)
        if asyncio.get_running_loop().time() > deadline_s:
            raise UnavailableError(
                f"The store did not take the final verdict on session {session} within {_STORED_TIMEOUT_S:g} s.",
                advice="Check that `crampwatch store` runs, then `crampwatch finalise` again.",
            )
        await asyncio.sleep(_LOOK_S)


async def _tell(bus: Bus, episodes: Iterable[messages.Episode]) -> None:
    for episode in episodes:
        await publish_message(bus, episode, Leaf.EPISODE)
