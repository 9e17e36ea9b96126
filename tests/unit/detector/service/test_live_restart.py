"""A detector service killed at any moment goes on where it was, to the bit, whatever was kept as state or as a log."""

import asyncio
import math
import tempfile
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from crampwatch.bus.client import Message
from crampwatch.detector.service import service
from crampwatch.detector.service.checkpoint_file import CheckpointFile
from crampwatch.detector.service.write_ahead_log import StreamKey
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes.patience import PATIENCE_S
from nights.stored_messages import info

SENSOR, LENGTH_S, BLOCK = "left", 16, 200
KEY = StreamKey(SENSOR, 42, 1)


class SilentBus:
    """As much of a bus as the service speaks to; remembers what was said."""

    resumed_s_ago = math.inf
    queued_messages = 0

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []

    async def publish(self, topic: str, payload: bytes, **_: object) -> None:
        self.said.append((topic, payload))


@cache
def night() -> list[Message]:
    """Return the incoming messages: an introduction, blocks of a cramp, and now and then a temperature."""
    emg_uv = np.nan_to_num(scenario("cramp", seed=3).read(8000, LENGTH_S * 1000))
    counts = np.clip(np.rint(emg_uv / 0.5), -32768, 32767).astype(np.int32)
    incoming = [Message(str(Topic(SENSOR, Leaf.INFO)), messages.encode(info()), True)]
    for at in range(0, len(counts), BLOCK):
        t_ns = 10**18 + at * 1_000_000
        block = SampleBlock(UUID(int=1), 42, 1, BlockFlag.SIMULATED, at, t_ns, 1000.0, 0.5e-6, counts[at : at + BLOCK])
        incoming.append(Message(str(Topic(SENSOR, Leaf.SAMPLES)), block.encode(), False))
        if at % 5000 == 1000:
            temperature = messages.Temperature(sensor=SENSOR, t_ns=t_ns, origin=Origin.DEMO, celsius=30.0 + at / 5000)
            incoming.append(Message(str(Topic(SENSOR, Leaf.TEMPERATURE)), messages.encode(temperature), False))
    return incoming


async def _play(folder: Path, kept_at: Iterable[int], kills: Iterable[int], wholes: Iterable[int]) -> bytes:
    """Let a service hear the night; killed, it hears again what was not kept. Return its last state."""
    incoming, acknowledged, wholes = night(), 0, set(wholes)
    for end in [*sorted(set(kills)), len(incoming)]:
        with closing(CheckpointFile(folder)) as kept:
            one = service._Service(SilentBus(), kept, None)  # type: ignore[arg-type] # as much of a bus as it needs
            assert one.restore(asyncio.Event())
            for place in range(acknowledged, end):
                await one._handle(incoming[place])
                await one._analyse_due()
                if place in kept_at or place + 1 == len(incoming):
                    await one.checkpoint(is_last=place in wholes)
                    acknowledged = place + 1
            state = one._analyses[KEY].checkpoint() if KEY in one._analyses else b""
    return state


def played(kept_at: Iterable[int] = (), kills: Iterable[int] = (), wholes: Iterable[int] = ()) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_play(Path(folder), set(kept_at), kills, wholes))


@cache
def undisturbed() -> bytes:
    return played()


PLACES = st.sets(st.integers(2, 80), max_size=6)


@settings(max_examples=12)
@given(kept_at=st.sets(st.integers(2, 80), min_size=1, max_size=30), kills=PLACES, wholes=PLACES)
def test_a_killed_service_is_where_an_undisturbed_one_is(kept_at: set[int], kills: set[int], wholes: set[int]) -> None:
    assert played(kept_at, kills, wholes) == undisturbed()


def test_most_moments_cost_a_small_write(tmp_path: Path) -> None:
    assert len(undisturbed()) > 40_000
    asyncio.run(_play(tmp_path, set(range(0, 60, 5)), [60], ()))
    used = (tmp_path / "taken.log").read_bytes().rstrip(b"\0")
    assert len(used) < 12 * 4000


async def test_a_machine_that_is_behind_is_no_silent_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SILENCE_S", 0.03)
    bus = SilentBus()

    def states() -> list[str]:
        return [topic for topic, _ in bus.said if topic.endswith("/state")]

    with closing(CheckpointFile(tmp_path)) as kept:
        one = service._Service(bus, kept, None)  # type: ignore[arg-type] # as above
        ended = messages.encode(info(ended_ns=10**18 + 10**9))
        for message in [*night()[:6], Message(str(Topic(SENSOR, Leaf.INFO)), ended, True)]:
            await one._handle(message)
        watching = asyncio.create_task(one.watch_silence())
        await asyncio.sleep(0.3)  # ten times what silence takes
        assert states() == [], "five blocks still wait for their turn"
        await one._analyse_due()
        async with asyncio.timeout(PATIENCE_S):
            while not states():  # noqa: ASYNC110 - a list tells nobody that it has grown
                await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
