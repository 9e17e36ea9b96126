"""The Home Assistant bridge as a service: follows the stages, announces each sensor, and keeps its state up to date."""

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

_LEAVES: Final = (Leaf.STATUS, Leaf.INFO, Leaf.TEMPERATURE, Leaf.BATTERY, Leaf.STATE, Leaf.EPISODE)
_MOST_SENSORS: Final = 64
"""A client that invents sensors must not fill somebody's home with devices."""
_REFRESH_S: Final = 60.0
"""The night's count restarts at noon, even if no message arrives then."""
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeOptions:
    """What the service needs.

    Attributes:
        broker: The broker that Home Assistant uses too.
        state_path: File that keeps the night's count over a restart.
        version: Version of crampwatch.
        birth_pause_s: Longest random pause before sensors are announced again, because Home Assistant receives much at
            its start.
        client_id: MQTT client id; it must not change, so that the broker stores messages while the service is away.
    """

    broker: BrokerAddress
    state_path: Path
    version: str = ""
    birth_pause_s: float = 2.0
    client_id: str = "crampwatch-home"


async def run(options: HomeOptions, *, stop: asyncio.Event) -> None:
    """Publish to Home Assistant until `stop` is set.

    Raises:
        UnavailableError: The broker refuses the login, or the count cannot be saved.
    """
    shell = ServiceShell(
        "home",
        options.broker,
        client_id=options.client_id,
        version=options.version,
        subscriptions={**{leaf_filter(leaf): leaf.qos for leaf in _LEAVES}, BIRTH_TOPIC: 1},
        persistent=True,
    )
    async with shell:
        publisher = _Publisher(shell.bus, options)
        await shell.run(publisher.listen(), publisher.refresh(), stop=stop)


class _Publisher:
    """Keeps the state of each sensor, and publishes it when it changes."""

    def __init__(self, bus: Bus, options: HomeOptions) -> None:
        self._bus = bus
        self._options = options
        self._pictures: dict[str, SensorEntities] = {}
        self._published: dict[str, bytes] = {}
        self._saved_cramps = _load_cramps(options.state_path)

    async def listen(self) -> None:
        async for received in self._bus.messages():
            if received.topic == BIRTH_TOPIC:
                await self._handle_birth(received)
            else:
                await self._handle(received)
            received.ack()

    async def refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            for sensor in tuple(self._pictures):
                await self._publish_state(sensor)

    async def _handle_birth(self, received: Received) -> None:
        """Announce all sensors again when Home Assistant has just started, and publish their states again."""
        if received.payload != b"online" or received.retained:
            return
        await asyncio.sleep(random.uniform(0, self._options.birth_pause_s))  # noqa: S311 - spreads load, no secret
        self._published.clear()
        for sensor in tuple(self._pictures):
            await self._announce(sensor)
            await self._publish_state(sensor)

    async def _handle(self, received: Received) -> None:
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
        await self._publish_state(topic.sensor)

    def _picture(self, sensor: str) -> SensorEntities | None:
        picture = self._pictures.get(sensor)
        if picture is None and len(self._pictures) < _MOST_SENSORS:
            picture = self._pictures[sensor] = SensorEntities()
            picture.restore(self._saved_cramps.get(sensor, {}).items())
            if len(self._pictures) == _MOST_SENSORS:
                _log.warning("%d sensors are published to Home Assistant, further ones are not", _MOST_SENSORS)
        return picture

    async def _announce(self, sensor: str) -> None:
        info = self._pictures[sensor].info
        if info is not None:
            message = discovery_message(info, version=self._options.version)
            await self._bus.publish(discovery_topic(sensor), message, retain=True)

    async def _publish_state(self, sensor: str) -> None:
        """Publish a state if it has changed; the count is saved before the message that changed it is acknowledged."""
        picture = self._pictures[sensor]
        document = picture.encode(now_ns=time.time_ns())
        if picture.cramps != self._saved_cramps.get(sensor, {}):
            self._saved_cramps[sensor] = dict(picture.cramps)
            await asyncio.to_thread(write_private, self._options.state_path, json.dumps(self._saved_cramps))
        if picture.info is not None and document != self._published.get(sensor):
            await self._bus.publish(state_topic(sensor), document, retain=True)
            self._published[sensor] = document


def _load_cramps(path: Path) -> dict[str, dict[str, int]]:
    """Return the saved counts of the night; none if they cannot be read, because they are a convenience."""
    try:
        saved: dict[str, dict[str, int]] = json.loads(path.read_text("utf-8"))
        return {str(sensor): {str(key): int(ns) for key, ns in cramps.items()} for sensor, cramps in saved.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        _log.warning("the night's count of cramps in %s cannot be read and restarts: %s", path, error)
        return {}
