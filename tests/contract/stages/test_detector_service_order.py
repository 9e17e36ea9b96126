"""Where a broker sends older blocks after newer ones, and what the detector makes of hostile and impatient company."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from crampwatch.bus.client import Bus, publish_message
from crampwatch.detector.service.service import DetectorOptions, run
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter
from lanes.brokers import Broker, broker_of
from lanes.patience import PATIENCE_S, ends_soon, until_online
from nights.stored_messages import T0_NS, info

BLOCK = 100


@pytest.fixture(params=("nats", "mosquitto"))
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of(request.param, tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


def block(n: int, *, channels: int = 2) -> SampleBlock:
    counts = np.random.default_rng(n).integers(-20, 20, (BLOCK, channels)).astype(np.int32)
    t_ns = T0_NS + n * BLOCK * 1_000_000
    return SampleBlock(UUID(int=1), 42, 1, BlockFlag.SIMULATED, n * BLOCK, t_ns, 1000.0, 0.5e-6, counts)


async def give(bus: Bus, *blocks: SampleBlock) -> None:
    for one in blocks:
        await bus.publish(str(Topic("left", Leaf.SAMPLES)), one.encode())


@asynccontextmanager
async def detector(broker: Broker, state_dir: Path) -> AsyncIterator[None]:
    """Run the service; it has to end within 2 s of being stopped."""
    stop = asyncio.Event()
    running = asyncio.create_task(run(DetectorOptions(broker.address, state_dir), stop=stop))
    yield
    stop.set()
    await ends_soon(running)


async def features_until(bus: Bus, last_index: int) -> list[messages.Features]:
    """Take features until they reach a sample index."""
    taken: list[messages.Features] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in bus.messages():
            message.ack()
            if message.topic.endswith("/features"):
                taken.append(messages.decode(message.payload, messages.Features))
                if _end(taken[-1]) >= last_index:
                    return taken
    raise AssertionError


def _end(batch: messages.Features) -> int:
    return batch.first_index + len(batch.channels[0].rms) * batch.step_samples


async def test_blocks_in_hand_at_a_kill_are_analysed_before_newer_ones(broker: Broker, tmp_path: Path) -> None:
    async with Bus(broker.address, client_id="other") as bus:
        await publish_message(bus, info(), Leaf.INFO)
        await bus.subscribe(leaf_filter(Leaf.FEATURES), 0)
        async with detector(broker, tmp_path):
            await until_online(broker.address, "detector")
            await give(bus, *map(block, range(20)))
            await features_until(bus, 1600)
        # In place of a detector that is killed with ten blocks in hand: a client that never acknowledges.
        victim = Bus(
            broker.address,
            client_id="crampwatch-detector",
            persistent=True,
            subscriptions={leaf_filter(Leaf.SAMPLES): 1},
        )
        async with victim, asyncio.timeout(PATIENCE_S):
            await give(bus, *map(block, range(20, 30)))
            for _ in range(10):
                await victim.receive()
            assert victim._connection is not None
            victim._connection.abort()
        await give(bus, *map(block, range(30, 40)))
        async with detector(broker, tmp_path):
            batches = await features_until(bus, 3600)
    batches.sort(key=lambda batch: batch.first_index)
    batches = batches[next(n for n, batch in enumerate(batches) if _end(batch) > 2000) :]
    assert batches[0].first_index <= 2000
    assert all(_end(one) == other.first_index for one, other in pairwise(batches))
    assert all(value is not None for batch in batches for value in batch.channels[0].rms)


async def test_a_block_that_is_not_what_the_sensor_promised_ends_nothing(broker: Broker, tmp_path: Path) -> None:
    async with Bus(broker.address, client_id="other") as bus, detector(broker, tmp_path):
        await bus.subscribe(leaf_filter(Leaf.FEATURES), 0)
        await until_online(broker.address, "detector")
        await publish_message(bus, info(), Leaf.INFO)
        await give(bus, block(0), block(1, channels=3))
        for nonsense in (b"", b"\xff" * 80, block(2).encode()[:-1]):
            await bus.publish(str(Topic("left", Leaf.SAMPLES)), nonsense)
        await give(bus, *map(block, range(1, 30)))
        assert await features_until(bus, 2000)


async def test_it_ends_in_time_while_there_is_no_broker(broker: Broker, tmp_path: Path) -> None:
    await broker.stop()
    async with detector(broker, tmp_path):
        await asyncio.sleep(0.1)
    await broker.start()
    async with detector(broker, tmp_path):
        await until_online(broker.address, "detector")
        await broker.stop()
