"""Feeds the live view's model from the broker, and once per night from the store."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol

from crampwatch.bus.client import Bus
from crampwatch.bus.metrics import report_unreadable
from crampwatch.protocol.errors import CrampwatchError, FrameError
from crampwatch.protocol.messages import Episode, Notice
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter
from crampwatch.web.live.model import LiveModel

__all__ = ["History", "follow_broker", "follow_history", "subscribe"]

_MESSAGES_PER_TURN: Final = 50
"""Messages handled in a row before other tasks, such as answering browsers, get a turn."""
_RETRY_S: Final = 10.0
"""Wait after the store could not be read."""
_NIGHT_CHECK_S: Final = 1.0
"""How often to check whether a new night has started."""
_log: Final = logging.getLogger(__name__)


class History(Protocol):
    """Episodes and notices from earlier in the night; :class:`crampwatch.store.model.interface.Store` has them."""

    def episodes(self, *, since_ns: int, with_retracted: bool) -> Sequence[Episode]:
        """Return the valid revision of each episode that lasted into the time since ``since_ns``; may block."""

    def notices(self, *, since_ns: int) -> Sequence[Notice]:
        """Return the notices since ``since_ns`` in order of time; may block."""


async def subscribe(bus: Bus) -> None:
    """Subscribe to every topic of every sensor.

    Samples and features use QoS 0: a lost message leaves a short gap in a curve, and the broker queues none for us.
    """
    for leaf in Leaf:
        await bus.subscribe(leaf_filter(leaf), 0 if leaf in (Leaf.SAMPLES, Leaf.FEATURES) else 1)


async def follow_broker(bus: Bus, model: LiveModel) -> None:
    """Apply every received message to the model, until cancelled; unreadable ones are logged and skipped."""
    handled = 0
    async for message in bus.messages():
        try:
            model.apply(Topic.parse(message.topic), message.payload, now_s=time.monotonic())
        except FrameError as error:
            report_unreadable(message.topic, error)
        message.ack()
        handled += 1
        if handled % _MESSAGES_PER_TURN == 0:
            await asyncio.sleep(0)


async def follow_history(history: History, model: LiveModel) -> None:
    """Load a night's earlier episodes and notices from the store whenever a new night starts, until cancelled."""
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
                _log.warning("cannot load the night's earlier episodes, trying again in 10 s: %s", error)
        await asyncio.sleep(_RETRY_S if night_ns != loaded_ns else _NIGHT_CHECK_S)
