"""How fast messages pass the broker and reach the store: ``python benchmarks/store_and_bus.py``."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.protocol.messages import Message
from crampwatch.store.sqlite import SqliteStore
from crampwatch.store.store import Store, open_store
from influx_server import TOKEN, influx_server
from stored_messages import S_NS, T0_NS, episode, features

ROUNDS = 500
MESSAGES = 5000
HOUR_STEPS = 36_000
BATCH_STEPS = 4


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
    write_s = _timed(store.write, [hour[n : n + 500] for n in range(0, len(hour), 500)])
    single_s = _timed(store.write, [[one] for one in hour[:200]]) / 200
    episodes_s = _timed(store.write, [[episode(n) for n in range(1000)]])
    reads_s = [_timed(lambda _: _read_hour(store), [None]) for _ in range(5)]
    print(
        f"{name}: {points / write_s:.0f} feature points/s in batches of 500 messages, {single_s * 1e3:.1f} ms for one "
        f"message, {1000 / episodes_s:.0f} episodes/s; an hour read in {statistics.median(reads_s) * 1e3:.0f} ms"
    )


def _read_hour(store: Store) -> None:
    store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + 3600 * S_NS)


def _timed(function: Callable[..., object], arguments: Iterable[object]) -> float:
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
            measure_store("InfluxDB 1.6", open_store(server.url, token=TOKEN))


if __name__ == "__main__":
    main()
