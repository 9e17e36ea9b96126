"""Follows the broker into the live picture, and the store into the night's episodes."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol

from crampwatch.bus.client import Bus
from crampwatch.bus.vitals import report_unreadable
from crampwatch.protocol.errors import CrampwatchError, FrameError
from crampwatch.protocol.messages import Episode, Notice
from crampwatch.protocol.topics import Leaf, Topic, every
from crampwatch.web.live.model import LiveModel

__all__ = ["History", "follow_broker", "follow_history", "subscribe"]

_MESSAGES_A_TURN: Final = 50
"""Messages in a row before browsers are served again."""
_RETRY_S: Final = 10.0
_log: Final = logging.getLogger(__name__)


class History(Protocol):
    """Episodes of earlier in the night; :class:`crampwatch.store.model.interface.Store` implements it."""

    def episodes(self, *, since_ns: int, with_retracted: bool) -> Sequence[Episode]:
        """Return the revision that holds of each episode that lasted at any time since then; may block."""

    def notices(self, *, since_ns: int) -> Sequence[Notice]:
        """Return notices since then, by time; may block."""


async def subscribe(bus: Bus) -> None:
    """Ask for every leaf of every sensor.

    Curves are asked for with QoS 0: the next message replaces a lost one, and nothing is queued for a page.
    """
    for leaf in Leaf:
        await bus.subscribe(every(leaf), 0 if leaf in (Leaf.SAMPLES, Leaf.FEATURES) else 1)


async def follow_broker(bus: Bus, model: LiveModel) -> None:
    """Take what was asked for into the model, until cancelled."""
    taken = 0
    async for message in bus.messages():
        try:
            model.apply(Topic.parse(message.topic), message.payload, now_s=time.monotonic())
        except FrameError as error:
            report_unreadable(message.topic, error)
        message.ack()
        taken += 1
        if taken % _MESSAGES_A_TURN == 0:
            await asyncio.sleep(0)


async def follow_history(history: History, model: LiveModel) -> None:
    """Add what the store remembers, once for each night shown, until cancelled."""
    loaded_ns = 0
    while True:
        night_ns = model.night_ns
        if night_ns != loaded_ns:
            try:
                episodes = await asyncio.to_thread(history.episodes, since_ns=night_ns, with_retracted=True)
                notices = await asyncio.to_thread(history.notices, since_ns=night_ns)
                model.add_history(episodes, notices)
                loaded_ns = night_ns
            except CrampwatchError as error:
                _log.warning("the night's earlier episodes cannot be shown yet: %s", error)
        await asyncio.sleep(_RETRY_S if night_ns != loaded_ns else 1.0)
