"""What of the chain is there: what services and sensors say of themselves. Part of `crampwatch doctor`."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.protocol import messages
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["STAGES", "Chain", "listen"]

STAGES: Final = ("collector", "detector", "store", "web")
"""A night needs all of them."""
_HEARD: Final = (Leaf.STATUS, Leaf.INFO, Leaf.LINK, Leaf.SAMPLES)
_CLOCK_OFF_S: Final = 60.0
_BACKLOG: Final = 500


@dataclass(slots=True)
class Chain:
    """What was heard.

    Attributes:
        services: Latest status by name.
        sensors: Whether each is online.
        infos: Who they are.
        blocks: Blocks of samples heard of each.
        links_ns: When each sensor's link was told of last, by the collector's clock, and by ours.
    """

    services: dict[str, messages.ServiceStatus] = field(default_factory=dict)
    sensors: dict[str, bool] = field(default_factory=dict)
    infos: dict[str, messages.SensorInfo] = field(default_factory=dict)
    blocks: Counter[str] = field(default_factory=Counter)
    links_ns: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether any stage is there: else nothing is wrong, it is just not night."""
        return any(status.online for status in self.services.values())

    def take(self, topic: Topic, payload: bytes, *, now_ns: int) -> None:
        """Take a message.

        Raises:
            FrameError: It cannot be read.
        """
        if topic.leaf is Leaf.SAMPLES:
            self.blocks[topic.sensor] += 1
            return
        match messages.decode_for_topic(topic, payload):
            case messages.ServiceStatus() as status if topic.sensor.startswith("_"):
                self.services[topic.sensor[1:]] = status
            case messages.ServiceStatus() as status:
                self.sensors[topic.sensor] = status.online
            case messages.SensorInfo() as info:
                self.infos[topic.sensor] = info
            case messages.Link() as link if link.origin == Origin.LIVE:  # others live at another time
                self.links_ns[topic.sensor] = (link.t_ns, now_ns)
            case _:
                pass

    def faults_of_services(self) -> list[str]:
        """Return what is wrong with the services, and what to do."""
        said = []
        for name in STAGES:
            status = self.services.get(name)
            if status is None or not status.online:
                state = "was never here" if status is None else "has stopped"
                said.append(f"The {name} {state}: start `crampwatch {name}`, or look at its log.")
            elif status.backlog and status.backlog > _BACKLOG:
                said.append(
                    f"{status.backlog} messages wait in the {name}: check that its database answers; they are kept."
                )
        return said

    def faults_of_sensors(self) -> list[str]:
        """Return what is wrong with the sensors, and what to do."""
        said = []
        for sensor, is_online in self.sensors.items():
            info = self.infos.get(sensor)
            if info is not None and info.ended_ns is not None:
                continue  # of a session that is over
            if not is_online:
                said.append(f"{sensor} is out of reach: bring it nearer, or charge it.")
            elif not self.blocks[sensor]:
                said.append(f"{sensor} is there and sends no samples: switch it off and on.")
        return said

    def clock_offset_s(self) -> float:
        """Return by how much the collector's clock differs from ours, where that is much; else 0."""
        offsets = [(theirs - ours) / 1e9 for theirs, ours in self.links_ns.values()]
        worst = max(offsets, key=abs, default=0.0)
        return worst if abs(worst) > _CLOCK_OFF_S else 0.0


async def listen(address: BrokerAddress, *, seconds: float) -> Chain:
    """Hear what is said, and what was said last.

    Raises:
        UnavailableError: The broker is not there or refuses.
    """
    chain = Chain()
    subscriptions = {leaf_filter(leaf): leaf.qos for leaf in _HEARD}
    async with Bus(address, client_id="crampwatch-doctor", subscriptions=subscriptions, first_timeout_s=5.0) as bus:
        try:
            async with asyncio.timeout(seconds):
                async for received in bus.messages():
                    received.ack()
                    try:
                        chain.take(Topic.parse(received.topic), received.payload, now_ns=time.time_ns())
                    except FrameError:
                        continue  # the services count and log these
        except TimeoutError:
            return chain
    return chain
