"""A calibration over a real broker: a wearer is led through it, and a detector that runs judges with it after."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from crampwatch.app.calibration import calibrate as calibrating
from crampwatch.app.calibration.calibrate import calibrate_live
from crampwatch.app.calibration.guide import GuideStep
from crampwatch.app.config.settings import BrokerSettings, Settings
from crampwatch.bus.client import Bus, publish_message
from crampwatch.detector.calibration.calibration import Phase
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.detector.service.stream_analysis import LiveAnalysis
from crampwatch.firmware_sim.scenarios import calibration_before
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic
from lanes.brokers import Broker, broker_of
from numpy.typing import NDArray

SENSOR, BOOT, SESSION = "CW-CAL1", 77, UUID(int=5)
BLOCK = 500
READY_MS, PHASE_MS = 4000, 18_000
MADE_NS = 1_700_000_000 * 10**9


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of("nats", tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


def info() -> messages.SensorInfo:
    stream = messages.StreamInfo(stream=1, kind="emg", channels=2, rate_hz=1000.0, lsb_uv=0.25, band_hz=(10.0, 450.0))
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
        placement=messages.Placement(side="left", muscle="arch"),
    )


def blocks() -> list[SampleBlock]:
    """Return the simulated exercise, each phase where the guide asks for it: after four seconds to get ready."""
    emg = calibration_before("night", seed=21).read(0, 75_000)
    parts = [emg[:READY_MS]]
    for first_ms in (2000, 20_000, 40_000):
        parts += [emg[first_ms : first_ms + PHASE_MS], emg[2000 : 2000 + READY_MS]]
    whole = np.concatenate([*parts, emg[60_000:75_000], emg[20_000:40_000]])
    counts = np.clip(np.rint(whole / 0.25), -32768, 32767).astype(np.int32)
    return [_block(counts, at) for at in range(0, len(counts), BLOCK)]


def _block(counts: NDArray[np.int32], at: int) -> SampleBlock:
    utc_ns = MADE_NS + at * 1_000_000
    part = counts[at : at + BLOCK]
    return SampleBlock(SESSION, BOOT, 1, BlockFlag.SIMULATED, at, utc_ns, 1000.0, 0.25e-6, part)


async def feed(bus: Bus, begun: asyncio.Event) -> None:
    """Send the first block until somebody listens, then the rest, far faster than life."""
    first, *rest = blocks()
    topic = str(Topic(SENSOR, Leaf.SAMPLES))
    await publish_message(bus, info(), Leaf.INFO)
    while not begun.is_set():
        await bus.publish(topic, first.encode())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), 0.1)
    for block in rest:
        await bus.publish(topic, block.encode())


async def test_a_wearer_is_led_through_it_and_the_detector_knows(broker: Broker, tmp_path: Path) -> None:
    settings = replace(Settings(), data=tmp_path, broker=BrokerSettings(url=broker.address.url))
    begun, moments = asyncio.Event(), list[GuideStep]()

    def show(moment: GuideStep) -> None:
        begun.set()
        moments.append(moment)

    async with Bus(broker.address, client_id="feeder") as bus:
        feeding = asyncio.create_task(feed(bus, begun))
        made = await calibrate_live(settings, sensor=SENSOR, phase_s=18.0, show=show)
        await feeding
    assert (made.sensor, made.side, made.muscle, made.boot_id) == (SENSOR, "left", "arch", BOOT)
    assert all(one.own is not None and one.own > 10.0 * one.rest for one in made.channels)
    assert list(dict.fromkeys(one.phase for one in moments)) == list(Phase)
    curls = [np.nanmax(one.level) for one in moments if one.phase is Phase.CURL and not one.ready_in_s]
    rests = [np.nanmax(one.level) for one in moments if one.phase is Phase.REST and not one.ready_in_s]
    assert max(curls) > 20.0 * float(np.median(rests))

    folder = CalibrationFolder(tmp_path / "calibrations")
    folder.save(made)
    analysis = LiveAnalysis(info(), blocks()[0])
    published: list[messages.Message] = []
    for block in blocks():
        analysis.use_calibrations(folder.for_sensor(SENSOR))
        published += analysis.push(block)
    episodes = [one for one in [*published, *analysis.finish()] if isinstance(one, messages.Episode)]
    after = [one for one in episodes if one.onset_index > made.valid_from_index + 5000]
    assert after
    assert {one.calibration for one in after} == {made.name}
    assert {one.calibration for one in episodes if one.detected_index < made.valid_from_index} == {""}


async def test_a_sensor_that_does_not_send_is_told(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "_FIRST_SENSOR_TIMEOUT_S", 0.5)
    settings = replace(Settings(), data=tmp_path, broker=BrokerSettings(url=broker.address.url))
    with pytest.raises(UnavailableError, match="The sensor CW-9 sends no samples"):
        await calibrate_live(settings, sensor="CW-9", phase_s=10.0, show=lambda _: None)
