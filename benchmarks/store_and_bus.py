"""How fast messages pass the broker and reach the store: ``python benchmarks/store_and_bus.py``."""

import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import numpy as np
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.protocol.messages import Message
from crampwatch.store.engines import open_store
from crampwatch.store.ingest.service import move_batch
from crampwatch.store.ingest.spool import Spool
from crampwatch.store.model.interface import Store
from crampwatch.store.sqlite.store import SqliteStore
from lanes.influx_server import TOKEN, influx_server
from nights.stored_messages import S_NS, T0_NS, episode, features, raw, temperature

ROUNDS = 500
MESSAGES = 5000
HOUR_STEPS = 36_000
BATCH_STEPS = 4
_SECOND = np.random.default_rng(1).normal(0.0, 20.0, (1000, 2)).round(1).astype("<f4").tobytes()


async def measure_bus(directory: Path) -> None:
    """Print the latency of one message and the throughput of many, QoS 1 on both sides."""
    async with (
        EmbeddedBroker(directory) as broker,
        Bus(broker.address, client_id="taker", persistent=True, subscriptions={"a/b": 1}) as taker,
        Bus(broker.address, client_id="giver") as giver,
    ):
        await taker.wait_connected()
        latencies_s = []
        for _ in range(ROUNDS):
            begun_s = time.perf_counter()
            publishing = asyncio.create_task(giver.publish("a/b", bytes(300)))
            (await taker.receive()).ack()
            latencies_s.append(time.perf_counter() - begun_s)
            await publishing
        begun_s = time.perf_counter()
        publishing = asyncio.create_task(_publish_many(giver))
        for _ in range(MESSAGES):
            (await taker.receive()).ack()
        await publishing
        rate = MESSAGES / (time.perf_counter() - begun_s)
    latencies_s.sort()
    median_ms, p99_ms = (1e3 * latencies_s[int(share * ROUNDS)] for share in (0.5, 0.99))
    print(f"publish to receive: median {median_ms:.2f} ms, 99th percentile {p99_ms:.2f} ms; {rate:.0f} messages/s")


async def _publish_many(bus: Bus) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(MESSAGES):
            group.create_task(bus.publish("a/b", bytes(300)))


def measure_store(name: str, store: Store) -> None:
    """Print how fast an hour of features of one sensor and a thousand episodes are written, and the hour read."""
    hour: list[Message] = [features(step, BATCH_STEPS) for step in range(0, HOUR_STEPS, BATCH_STEPS)]
    points = HOUR_STEPS * 2
    write_s = _seconds_taken(store.write, [hour[n : n + 500] for n in range(0, len(hour), 500)])
    single_s = _seconds_taken(store.write, [[one] for one in hour[:200]]) / 200
    episodes_s = _seconds_taken(store.write, [[episode(n) for n in range(1000)]])
    raw_s = _seconds_taken(store.write, [[raw(n, rate_hz=1000.0, packed=_SECOND) for n in range(60)]])
    reads_s = [_seconds_taken(lambda _: _read_hour(store), [None]) for _ in range(5)]
    print(
        f"{name}: {points / write_s:.0f} feature points/s in batches of 500 messages, {single_s * 1e3:.1f} ms for one "
        f"message, {1000 / episodes_s:.0f} episodes/s, {60 / raw_s:.0f} s of raw EMG (2 x 1 kHz) a second; "
        f"an hour read in {statistics.median(reads_s) * 1e3:.0f} ms"
    )


def measure_drain(directory: Path, store: Store) -> None:
    """Print how fast an outage of an hour of one sensor is made up for, from the spool."""
    spool = Spool(directory / "spool.sqlite")
    hour: list[Message] = [features(step, BATCH_STEPS) for step in range(0, HOUR_STEPS, BATCH_STEPS)]
    for n in range(0, 3600, 10):
        hour += [temperature(n, 30.0)]
    spool_s = _seconds_taken(spool.append, [hour[n : n + 500] for n in range(0, len(hour), 500)])
    size_mb = (directory / "spool.sqlite").stat().st_size / 1e6
    lock = threading.Lock()
    begun_s = time.perf_counter()
    while move_batch(spool, store, lock):
        pass
    drain_s = time.perf_counter() - begun_s
    spool.close()
    print(
        f"an outage of an hour of one sensor: {len(hour)} messages, {size_mb:.0f} MB, kept in {spool_s:.1f} s, "
        f"drained in {drain_s:.0f} s: {len(hour) / drain_s:.0f} messages/s, {3600 / drain_s:.0f} times real time"
    )


def measure_year(directory: Path) -> None:
    """Print how fast a night and a year of nights open, from their tiers."""
    store = SqliteStore(directory / "year.sqlite")
    night = [features(step, 100) for step in range(0, 8 * HOUR_STEPS, 100)]
    for n in range(0, len(night), 200):
        store.write(night[n : n + 200])
    for name, hours in (("a night", 8), ("a year, of which one night is filled", 365 * 24)):
        span = {"since_ns": T0_NS, "until_ns": T0_NS + hours * 3600 * S_NS}
        read_s = _seconds_taken(lambda span: store.series("left", "features", **span), [span])
        print(f"{name} opens in {read_s * 1e3:.0f} ms (SQLite, 2000 points)")
    store.close()


def _read_hour(store: Store) -> None:
    store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + 3600 * S_NS)


def _seconds_taken(function: Callable[..., object], arguments: Iterable[object]) -> float:
    begun_s = time.perf_counter()
    for argument in arguments:
        function(argument)
    return time.perf_counter() - begun_s


def main() -> None:
    """Measure the bus, SQLite, and InfluxDB where it is installed."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        asyncio.run(measure_bus(directory / "broker"))
        measure_store("SQLite", SqliteStore(directory / "store.sqlite"))
        print(f"SQLite file: {(directory / 'store.sqlite').stat().st_size / 1e6:.1f} MB for that hour")
        with influx_server(directory / "influx") as server:
            store = open_store(server.url, token=TOKEN)
            measure_store("InfluxDB 1.6", store)
            server.empty()
            measure_drain(directory, store)
        measure_year(directory)


if __name__ == "__main__":
    main()
