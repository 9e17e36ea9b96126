"""The detector service between a real broker and a store-like listener, killed in the middle and not."""

import asyncio
import contextlib
import math
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from crampwatch.bus.client import Bus, publish_message
from crampwatch.detector.service.service import DetectorOptions, run
from crampwatch.detector.service.stream_analysis import LiveAnalysis
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter
from lanes.brokers import Broker, broker_of
from lanes.patience import PATIENCE_S, ends_soon, until_online

SENSOR, SESSION, BOOT, LENGTH_S, BLOCK = "CW-TEST", UUID(int=5), 77, 60, 200
PROGRAM = """
import asyncio, sys
from pathlib import Path
from crampwatch.bus.address import BrokerAddress
from crampwatch.detector.service.service import DetectorOptions, run
asyncio.run(run(DetectorOptions(BrokerAddress.parse(sys.argv[1]), Path(sys.argv[2])), stop=asyncio.Event()))
"""


@pytest.fixture(params=("nats", "mosquitto"))
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of(request.param, tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


def info(ended_ns: int | None = None) -> messages.SensorInfo:
    stream = messages.StreamInfo(
        stream=1, kind="emg", channels=2, rate_hz=1000.0, lsb_uv=0.25, band_hz=(10.0, 450.0), labels=("a", "b")
    )
    return messages.SensorInfo(
        sensor=SENSOR,
        t_ns=0,
        origin=Origin.DEMO,
        session=str(SESSION),
        name=SENSOR,
        profile="cws",
        boot_id=BOOT,
        streams=(stream,),
        started_ns=0,
        utc_offset_s=0,
        ended_ns=ended_ns,
        placement=messages.Placement(side="left", muscle="arch"),
    )


def blocks() -> list[SampleBlock]:
    source = scenario("cramp", seed=4)
    emg_uv = np.nan_to_num(source.read(0, LENGTH_S * 1000))
    counts = np.clip(np.rint(emg_uv / 0.25), -32768, 32767).astype(np.int32)
    return [
        SampleBlock(SESSION, BOOT, 1, BlockFlag.SIMULATED, at, at * 1_000_000, 1000.0, 0.25e-6, counts[at : at + BLOCK])
        for at in range(0, len(counts), BLOCK)
    ]


def expected() -> dict[str, messages.Episode]:
    """What an analysis says that nobody disturbs."""
    stream = blocks()
    analysis = LiveAnalysis(info(), stream[0])
    published = [message for block in stream for message in analysis.push(block)] + analysis.finish()
    return {message.id: message for message in published if isinstance(message, messages.Episode)}


async def received_episodes(bus: Bus, wanted: dict[str, messages.Episode]) -> dict[tuple[str, int], messages.Episode]:
    """Take episodes until the last revision of each is what it should be; give what there is if that takes too long."""
    revisions: dict[tuple[str, int], messages.Episode] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while newest(revisions) != wanted:
                message = await bus.receive()
                message.ack()
                episode = messages.decode(message.payload, messages.Episode)
                known = revisions.setdefault((episode.id, episode.revision), episode)
                assert known == episode, "a revision was said twice, and differently"
    return revisions


def newest(revisions: dict[tuple[str, int], messages.Episode]) -> dict[str, messages.Episode]:
    return {key: episode for (key, _), episode in sorted(revisions.items())}


async def feed(bus: Bus, some: list[SampleBlock]) -> None:
    for block in some:
        await bus.publish(str(Topic(SENSOR, Leaf.SAMPLES)), block.encode())


@contextlib.asynccontextmanager
async def listening(broker: Broker) -> AsyncIterator[Bus]:
    async with Bus(broker.address, client_id="listener") as bus:
        await bus.subscribe(leaf_filter(Leaf.EPISODE))
        yield bus


async def test_a_simulated_cramp_is_told_from_opening_to_closing(broker: Broker, tmp_path: Path) -> None:
    stop = asyncio.Event()
    service = asyncio.create_task(run(DetectorOptions(broker.address, tmp_path / "state"), stop=stop))
    async with listening(broker) as listener, Bus(broker.address, client_id="feeder") as feeder:
        await until_online(broker.address, "detector")
        await publish_message(feeder, info(), Leaf.INFO)
        await feed(feeder, blocks())
        await publish_message(feeder, info(ended_ns=LENGTH_S * 10**9), Leaf.INFO)
        episodes = newest(await received_episodes(listener, expected()))
    stop.set()
    await ends_soon(service)
    assert episodes == expected()
    assert EpisodeKind.CRAMP in {episode.kind for episode in episodes.values()}
    assert all(math.isfinite(episode.peak) and episode.reasons for episode in episodes.values())


async def test_a_killed_detector_goes_on_without_loss_or_double(broker: Broker, tmp_path: Path) -> None:
    command = (sys.executable, "-c", PROGRAM, broker.address.url, str(tmp_path / "state"))
    stream = blocks()
    # The environment's import path is pytest's, not the child's.
    environment = {"PYTHONPATH": ":".join(sys.path)}
    async with listening(broker) as listener, Bus(broker.address, client_id="feeder") as feeder:
        await publish_message(feeder, info(), Leaf.INFO)
        first = await asyncio.create_subprocess_exec(*command, env=environment)
        # Fed only once it listens: a broker keeps nothing for a client it has never met.
        await until_online(broker.address, "detector")
        await feed(feeder, stream[: len(stream) // 2])
        first.kill()
        await first.wait()
        await feed(feeder, stream[len(stream) // 2 :])
        second = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            await publish_message(feeder, info(ended_ns=LENGTH_S * 10**9), Leaf.INFO)
            revisions = await received_episodes(listener, expected())
        finally:
            second.kill()
            await second.wait()
    assert newest(revisions) == expected()
