"""How many sensors one detector process can watch live, through a broker: ``python benchmarks/many_sensors.py``.

Every sensor publishes blocks of two channels at 1 kHz, four a second, to the embedded broker; the detector service runs
in a process of its own and answers with features. Measured are whether it keeps up and how long an answer takes.
"""

import argparse
import asyncio
import math
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import numpy as np
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.detector.service.service import DetectorOptions, run
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter
from numpy.typing import NDArray

RATE_HZ = 1000
BLOCK = 250
LSB_UV = 0.25
SESSION = UUID(int=1)
MOST_MEDIAN_S = 0.02


def main() -> int:
    """Print CPU share and delay; fail if the detector fell behind or answered late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for the detector's process, as the program itself does
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure_load(asked.sensors, asked.seconds, Path(folder)))


async def _measure_load(sensors: int, seconds: int, folder: Path) -> int:
    counts = await asyncio.to_thread(_resting_counts, seconds)
    async with EmbeddedBroker(folder / "broker") as broker:
        ours, theirs = multiprocessing.Pipe()
        detector = multiprocessing.get_context("spawn").Process(
            target=_run_detector, args=(broker.address, folder / "detector", theirs)
        )
        detector.start()
        await asyncio.to_thread(ours.recv)
        delays_s = await _publish_blocks(broker.address, sensors, counts)
        ours.send("stop")
        cpu_s = await asyncio.to_thread(ours.recv)
        detector.join()
    expected = sensors * (len(counts) // (2 * BLOCK))
    median_s = statistics.median(delays_s) if delays_s else math.inf
    late_s = sorted(delays_s)[int(0.99 * len(delays_s))] if delays_s else math.inf
    print(
        f"{sensors} sensors of 2 channels at 1 kHz for {seconds} s: {cpu_s / seconds:.0%} of a core; "
        f"block to published features: median {1e3 * median_s:.1f} ms, 99th percentile {1e3 * late_s:.0f} ms; "
        f"{len(delays_s)} answers, at least {expected} expected"
    )
    return 0 if len(delays_s) >= expected and median_s < MOST_MEDIAN_S else 1


def _resting_counts(seconds: int) -> NDArray[np.int32]:
    """Return the start of a simulated night, mostly at rest, as counts."""
    emg_uv = np.nan_to_num(scenario("night-calm", seed=1).read(0, seconds * RATE_HZ))
    return np.clip(np.rint(emg_uv / LSB_UV), -32768, 32767).astype(np.int32)


def _run_detector(address: BrokerAddress, folder: Path, pipe: Connection) -> None:
    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        threading.Thread(target=lambda: (pipe.recv(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
        running = asyncio.create_task(run(DetectorOptions(address, folder), stop=stop))
        async with Bus(address, client_id="ready") as bus:
            await bus.subscribe(str(Topic("_detector", Leaf.STATUS)))
            await bus.receive()
        pipe.send("ready")
        start_s = time.process_time()
        await running
        pipe.send(time.process_time() - start_s)

    asyncio.run(serve())


async def _publish_blocks(address: BrokerAddress, sensors: int, counts: NDArray[np.int32]) -> list[float]:
    """Publish every sensor's blocks in real time, spread over the block's length; return the delay of each answer."""
    sent_s: dict[tuple[str, int], float] = {}
    delays_s: list[float] = []
    async with Bus(address, client_id="feeder") as feeder, Bus(address, client_id="listener") as listener:
        await listener.subscribe(leaf_filter(Leaf.FEATURES))
        names = [f"CW-{number:04d}" for number in range(sensors)]
        for name in names:
            await feeder.publish(str(Topic(name, Leaf.INFO)), messages.encode(_sensor_info(name)), retain=True)
        listening = asyncio.create_task(_note_delays(listener, sent_s, delays_s))
        clock = asyncio.get_running_loop().time
        start_s = clock()
        async with asyncio.TaskGroup() as group:
            for block in range(len(counts) // BLOCK):
                for place, name in enumerate(names):
                    due_s = start_s + (block + place / sensors) * BLOCK / RATE_HZ
                    await asyncio.sleep(max(0.0, due_s - clock()))
                    sent_s[name, block] = time.perf_counter()
                    payload = _block_at(block, counts).encode()
                    group.create_task(feeder.publish(str(Topic(name, Leaf.SAMPLES)), payload))
        await asyncio.sleep(2.0)
        listening.cancel()
    return delays_s


async def _note_delays(bus: Bus, sent_s: dict[tuple[str, int], float], delays_s: list[float]) -> None:
    while True:
        message = await bus.receive()
        message.ack()
        features = messages.decode(message.payload, messages.Features)
        end = features.first_index + features.step_samples * len(features.channels[0].rms)
        sent_at_s = sent_s[features.sensor, -(-end // BLOCK) - 1]
        delays_s.append(time.perf_counter() - sent_at_s)


def _block_at(number: int, counts: NDArray[np.int32]) -> SampleBlock:
    first = number * BLOCK
    part = counts[first : first + BLOCK]
    return SampleBlock(SESSION, 1, 1, BlockFlag.SIMULATED, first, first * 1_000_000, RATE_HZ, LSB_UV * 1e-6, part)


def _sensor_info(name: str) -> messages.SensorInfo:
    stream = messages.StreamInfo(
        stream=1, kind="emg", channels=2, rate_hz=RATE_HZ, lsb_uv=LSB_UV, band_hz=(10.0, 450.0), labels=("a", "b")
    )
    return messages.SensorInfo(
        sensor=name,
        t_ns=0,
        origin=Origin.DEMO,
        session=str(SESSION),
        name=name,
        profile="cws",
        boot_id=1,
        streams=(stream,),
        started_ns=0,
        utc_offset_s=0,
    )


if __name__ == "__main__":
    sys.exit(main())
