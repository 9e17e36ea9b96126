"""The Home Assistant side as a service: hears the stages, announces each sensor, and keeps its picture up to date."""

import asyncio
import json
import logging
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.client import Message as Received
from crampwatch.bus.endpoint import write_private
from crampwatch.bus.metrics import report_unreadable
from crampwatch.bus.service import ServiceShell
from crampwatch.home.model.discovery import BIRTH_TOPIC, discovery_message, discovery_topic, state_topic
from crampwatch.home.model.state import SensorEntities
from crampwatch.protocol import messages
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["HomeOptions", "run"]

_HEARD: Final = (Leaf.STATUS, Leaf.INFO, Leaf.TEMPERATURE, Leaf.BATTERY, Leaf.STATE, Leaf.EPISODE)
_MOST_SENSORS: Final = 64
"""A stranger who invents sensors must not fill somebody's home with devices."""
_REFRESH_S: Final = 60.0
"""The count of a night begins anew at noon, even when nobody says anything then."""
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeOptions:
    """What the service needs.

    Attributes:
        broker: The one Home Assistant uses too.
        state_path: Where the night's count is kept over a restart.
        version: Of crampwatch.
        birth_pause_s: Longest wait before announcing again: after a start Home Assistant has much to hear.
        client_id: Fixed, so that the broker keeps for us what is said meanwhile.
    """

    broker: BrokerAddress
    state_path: Path
    version: str = ""
    birth_pause_s: float = 2.0
    client_id: str = "crampwatch-home"


async def run(options: HomeOptions, *, stop: asyncio.Event) -> None:
    """Tell Home Assistant until told to stop.

    Raises:
        UnavailableError: The broker refuses us, or the count cannot be kept.
    """
    shell = ServiceShell(
        "home",
        options.broker,
        client_id=options.client_id,
        version=options.version,
        subscriptions={**{leaf_filter(leaf): leaf.qos for leaf in _HEARD}, BIRTH_TOPIC: 1},
        persistent=True,
    )
    async with shell:
        teller = _Teller(shell.bus, options)
        await shell.run(teller.listen(), teller.refresh(), stop=stop)


class _Teller:
    """Keeps a picture of each sensor, and tells it when it changes."""

    def __init__(self, bus: Bus, options: HomeOptions) -> None:
        self._bus = bus
        self._options = options
        self._pictures: dict[str, SensorEntities] = {}
        self._told: dict[str, bytes] = {}
        self._kept = _load(options.state_path)

    async def listen(self) -> None:
        async for received in self._bus.messages():
            if received.topic == BIRTH_TOPIC:
                await self._greet(received)
            else:
                await self._take(received)
            received.ack()

    async def refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            for sensor in tuple(self._pictures):
                await self._tell(sensor)

    async def _greet(self, received: Received) -> None:
        """Announce all again to a Home Assistant that has just started; what it forgot of a retained topic too."""
        if received.payload != b"online" or received.retained:
            return
        await asyncio.sleep(random.uniform(0, self._options.birth_pause_s))  # noqa: S311 - spreads load, no secret
        self._told.clear()
        for sensor in tuple(self._pictures):
            await self._announce(sensor)
            await self._tell(sensor)

    async def _take(self, received: Received) -> None:
        try:
            topic = Topic.parse(received.topic)
            message = messages.decode_for_topic(topic, received.payload)
        except FrameError as error:
            report_unreadable(received.topic, error)
            return
        if topic.sensor.startswith("_"):
            return
        picture = self._picture(topic.sensor)
        if picture is None:
            return
        known = picture.info
        picture.update(message)
        if picture.info != known:
            await self._announce(topic.sensor)
        await self._tell(topic.sensor)

    def _picture(self, sensor: str) -> SensorEntities | None:
        picture = self._pictures.get(sensor)
        if picture is None and len(self._pictures) < _MOST_SENSORS:
            picture = self._pictures[sensor] = SensorEntities()
            picture.restore(self._kept.get(sensor, {}).items())
            if len(self._pictures) == _MOST_SENSORS:
                _log.warning("Home Assistant is told of %d sensors and of no more", _MOST_SENSORS)
        return picture

    async def _announce(self, sensor: str) -> None:
        info = self._pictures[sensor].info
        if info is not None:
            message = discovery_message(info, version=self._options.version)
            await self._bus.publish(discovery_topic(sensor), message, retain=True)

    async def _tell(self, sensor: str) -> None:
        """Publish a picture where it changed; the count is on the disk before what led to it is acknowledged."""
        picture = self._pictures[sensor]
        document = picture.encode(now_ns=time.time_ns())
        if picture.cramps != self._kept.get(sensor, {}):
            self._kept[sensor] = dict(picture.cramps)
            await asyncio.to_thread(write_private, self._options.state_path, json.dumps(self._kept))
        if picture.info is not None and document != self._told.get(sensor):
            await self._bus.publish(state_topic(sensor), document, retain=True)
            self._told[sensor] = document


def _load(path: Path) -> dict[str, dict[str, int]]:
    """Return the counts of the night as they were kept; none where they cannot be read: they are a convenience."""
    try:
        kept: dict[str, dict[str, int]] = json.loads(path.read_text("utf-8"))
        return {str(sensor): {str(key): int(ns) for key, ns in cramps.items()} for sensor, cramps in kept.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        _log.warning("the night's count of cramps in %s cannot be read and begins anew: %s", path, error)
        return {}
