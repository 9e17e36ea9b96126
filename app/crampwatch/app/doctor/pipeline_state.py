"""The running pipeline as its services and sensors publish it, and what is wrong with it. Part of `crampwatch doctor`.

Everything needed is retained by the broker or published every few seconds, so that listening for two seconds is enough:
statuses (who is online), introductions (whose session is over), link reports (the collector's clock) and samples.
"""

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

__all__ = ["NEEDED_STAGES", "PipelineState", "observe_pipeline"]

NEEDED_STAGES: Final = ("collector", "detector", "store", "web")
"""Stages without which a night is not complete."""
_LEAVES: Final = (Leaf.STATUS, Leaf.INFO, Leaf.LINK, Leaf.SAMPLES)
_WORST_CLOCK_OFFSET_S: Final = 60.0
"""From here on, times in the night view mislead; computers without a time server differ by seconds."""
_WORST_BACKLOG: Final = 500
"""Messages; a store that keeps up has far fewer waiting."""


@dataclass(slots=True)
class PipelineState:
    """The state of services and sensors, updated by messages.

    Attributes:
        services: Newest status by name.
        sensors: Whether each sensor is online.
        infos: Newest introduction of each sensor.
        blocks: Number of sample blocks received from each sensor.
        links_ns: Time of each sensor's newest link report: by the collector's clock, and by ours on receipt.
    """

    services: dict[str, messages.ServiceStatus] = field(default_factory=dict)
    sensors: dict[str, bool] = field(default_factory=dict)
    infos: dict[str, messages.SensorInfo] = field(default_factory=dict)
    blocks: Counter[str] = field(default_factory=Counter)
    links_ns: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether any stage is online; if none is, nothing is wrong: nobody is recording."""
        return any(status.online for status in self.services.values())

    def handle(self, topic: Topic, payload: bytes, *, now_ns: int) -> None:
        """Update the state by a message that was received at `now_ns`.

        Raises:
            FrameError: The payload cannot be decoded.
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
            case messages.Link() as link if (
                link.origin == Origin.LIVE
            ):  # replayed and simulated ones have times of their own
                self.links_ns[topic.sensor] = (link.t_ns, now_ns)
            case _:
                pass

    def service_problems(self) -> list[str]:
        """Return one sentence for each service that has a problem, with what to do."""
        problems = []
        for name in NEEDED_STAGES:
            status = self.services.get(name)
            if status is None or not status.online:
                state = "was never started" if status is None else "has stopped"
                problems.append(f"The {name} {state}: start `crampwatch {name}`, or look at its log.")
            elif status.backlog and status.backlog > _WORST_BACKLOG:
                problems.append(
                    f"{status.backlog} messages are waiting in the {name}: check that its database answers. "
                    "None of them is lost."
                )
        return problems

    def sensor_problems(self) -> list[str]:
        """Return one sentence for each sensor that has a problem, with what to do."""
        problems = []
        for sensor, is_online in self.sensors.items():
            info = self.infos.get(sensor)
            if info is not None and info.ended_ns is not None:
                continue  # its session is over
            if not is_online:
                problems.append(f"{sensor} is out of reach: bring it closer, or charge it.")
            elif not self.blocks[sensor]:
                problems.append(f"{sensor} is connected but sends no samples: switch it off and on again.")
        return problems

    def clock_offset_s(self) -> float:
        """Return how far the collector's clock is ahead of ours (negative: behind); 0 if that is harmless."""
        offsets = [(theirs - ours) / 1e9 for theirs, ours in self.links_ns.values()]
        worst = max(offsets, key=abs, default=0.0)
        return worst if abs(worst) > _WORST_CLOCK_OFFSET_S else 0.0


async def observe_pipeline(address: BrokerAddress, *, seconds: float) -> PipelineState:
    """Subscribe for some seconds, and return the state that was published.

    Raises:
        UnavailableError: The broker does not answer, or refuses the login.
    """
    state = PipelineState()
    subscriptions = {leaf_filter(leaf): leaf.qos for leaf in _LEAVES}
    async with Bus(address, client_id="crampwatch-doctor", subscriptions=subscriptions, first_timeout_s=5.0) as bus:
        try:
            async with asyncio.timeout(seconds):
                async for received in bus.messages():
                    received.ack()
                    try:
                        state.handle(Topic.parse(received.topic), received.payload, now_ns=time.time_ns())
                    except FrameError:
                        continue  # the services count and log these
        except TimeoutError:
            return state
    return state
