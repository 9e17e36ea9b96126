"""Somebody else on the broker of a run: hears what is published, through the broker's death and restart."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import saved_address
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

PATIENCE_S = 60.0

Indices = dict[tuple[str, int, int], set[int]]
"""Sample indices by sensor, boot and stream."""


class Listener:
    """Hears samples and episodes.

    Args:
        folder: The run's data folder, with its broker.
        mark_s: Seconds of samples after which `reached` is set.
    """

    def __init__(self, folder: Path, *, mark_s: float = 1e9) -> None:
        self.samples: Indices = defaultdict(set)
        self.episodes: list[messages.Episode] = []
        self.reached = Event()
        self._folder = folder
        self._mark_s = mark_s
        self._stop = Event()

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        """Listen for as long as the context lasts, from the moment the run has a broker."""
        thread = Thread(target=lambda: asyncio.run(self._listen()))
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    async def _listen(self) -> None:
        while (address := saved_address(self._folder / "broker")) is None:
            if self._stop.is_set():
                return
            await asyncio.sleep(0.02)
        async with Bus(address, client_id="a-listener", persistent=True, first_timeout_s=PATIENCE_S) as bus:
            for leaf in (Leaf.SAMPLES, Leaf.EPISODE):
                await bus.subscribe(leaf_filter(leaf), leaf.qos)
            receiving = asyncio.create_task(self._receive(bus))
            while not self._stop.is_set():  # noqa: ASYNC110 - an event of the other thread, not of this loop
                await asyncio.sleep(0.05)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self, bus: Bus) -> None:
        async for received in bus.messages():
            topic = Topic.parse(received.topic)
            if topic.leaf is Leaf.SAMPLES:
                self._take(topic.sensor, SampleBlock.decode(received.payload))
            else:
                self.episodes.append(messages.decode(received.payload, messages.Episode))
            received.ack()

    def _take(self, sensor: str, block: SampleBlock) -> None:
        held = self.samples[sensor, block.boot_id, block.stream]
        held.update(range(block.first_index, block.next_index))
        if len(held) > self._mark_s * block.rate_hz:
            self.reached.set()
