"""The whole collector through bleak's own BlueZ backend."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from crampwatch.collector.service import CollectorOptions, run
from crampwatch.decoding.session import decode_session
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.firmware_sim.radio.service import Simulator
from crampwatch.journal import SessionReader, list_sessions
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.records import RecordKind
from lanes.bluez_lane import sensor_behind_bluez
from lanes.brokers import broker_of
from lanes.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ exists on Linux only")


@pytest.fixture
async def bluez(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with sensor_behind_bluez(tmp_path, monkeypatch) as simulator:
        yield simulator


async def test_a_sensor_is_recorded_through_bluez_and_what_it_missed_is_fetched(
    bluez: Simulator, tmp_path: Path
) -> None:
    broker, stop = broker_of("nats", tmp_path), asyncio.Event()
    await broker.start()
    collector = asyncio.create_task(run(CollectorOptions(broker.address, tmp_path), stop=stop))
    try:
        await _until_recorded(tmp_path, collector, RecordKind.DATA, 40)
        bluez.set_air("CW-B1UE", AirPath(in_range=False))
        await _until_recorded(tmp_path, collector, RecordKind.DISCONNECTED, 1)
        bluez.set_air("CW-B1UE", AirPath())
        await _until_recorded(tmp_path, collector, RecordKind.STORED_DATA, 40)
        await _until_complete(tmp_path, collector)
    finally:
        stop.set()
        await asyncio.gather(collector)
        await broker.stop()
    (entry,) = list_sessions(tmp_path / "sessions")
    with SessionReader(entry.path) as reader:
        assert reader.has_ended
    assert _missing(tmp_path) == 0


async def _until_complete(folder: Path, collector: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _missing(folder):  # as below
            assert not collector.done(), collector.exception()
            await asyncio.sleep(0.2)


def _missing(folder: Path) -> int:
    """Return how many samples between the first and the last are not in the file."""
    (entry,) = list_sessions(folder / "sessions")
    with SessionReader(entry.path) as reader:
        blocks = [item for _, item in decode_session(reader) if isinstance(item, SampleBlock)]
    return blocks[-1].next_index - blocks[0].first_index - sum(len(block.counts) for block in blocks)


async def _until_recorded(folder: Path, collector: "asyncio.Task[None]", kind: RecordKind, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _recorded(folder, kind) < count:  # a file tells nobody that it has grown
            assert not collector.done(), collector.exception()
            await asyncio.sleep(0.2)


def _recorded(folder: Path, kind: RecordKind) -> int:
    summaries = [entry.summary for entry in list_sessions(folder / "sessions") if entry.summary is not None]
    return sum(tally.records for summary in summaries for tally in summary.tallies if tally.kind is kind)
