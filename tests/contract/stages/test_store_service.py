"""The store service against the real embedded broker: nothing acknowledged is lost, nothing is doubled."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from crampwatch.bus.client import Bus, publish_message
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.topics import Leaf
from crampwatch.store.engines import open_store
from crampwatch.store.ingest.service import StoreOptions, run
from crampwatch.store.model.interface import Store
from lanes.brokers import Broker, broker_of, kill
from lanes.influx_server import TOKEN, InfluxServer, influx_server
from lanes.patience import PATIENCE_S, ends_soon, until_online
from nights.stored_messages import S_NS, T0_NS, episode, features, info, temperature

HOUR_NS = 3600 * S_NS


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of("nats", tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[InfluxServer]:
    with influx_server(tmp_path / "influx") as server:
        yield server


@asynccontextmanager
async def service(options: StoreOptions) -> AsyncIterator[None]:
    """Run the service; it has to end within 2 s of being stopped."""
    stop = asyncio.Event()
    running = asyncio.create_task(run(options, stop=stop))
    yield
    stop.set()
    await ends_soon(running)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the condition is in another thread or process
            await asyncio.sleep(0.02)


def has(store: Store, count: int) -> Callable[[], bool]:
    def condition() -> bool:
        with contextlib.suppress(UnavailableError):
            return len(store.episodes()) == count
        return False

    return condition


def _temperatures(store: Store) -> int:
    return len(store.series("left", "temperature", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS))


def _absurd() -> bytes:
    return json.dumps(msgspec.to_builtins(episode(3)) | {"onset_ns": 1 << 70, "revision": 1 << 80}).encode()


async def test_what_is_published_is_stored_and_samples_are_not(broker: Broker, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/store.sqlite"
    reader = open_store(url, read_only=True)
    async with Bus(broker.address, client_id="giver") as bus, service(StoreOptions(broker.address, url, tmp_path)):
        await until_online(broker.address, "store")
        await bus.publish("crampwatch/v1/left/samples", b"not for the store")
        for hostile in (b"{ nonsense", b"", b"[]", b"\xff\xfe", b"[" * 100_000, _absurd()):
            await bus.publish("crampwatch/v1/left/episode", hostile)
        await bus.publish("crampwatch/v1/left/unknown", b"{}")
        await publish_message(bus, msgspec.structs.replace(episode(7), sensor="left"), Leaf.EPISODE)
        await bus.publish("crampwatch/v1/right/episode", msgspec.json.encode(episode(8)))
        await publish_message(bus, info(), Leaf.INFO)
        await publish_message(bus, temperature(3, 30.5), Leaf.TEMPERATURE)
        for step in range(0, 30, 5):
            await publish_message(bus, features(step), Leaf.FEATURES)
        await publish_message(bus, episode(9), Leaf.EPISODE)
        await until(has(reader, 2))
    assert reader.episodes() == [episode(7), episode(9)]
    assert reader.sensors() == [info()]
    assert _temperatures(reader) == 1
    assert len(reader.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)) == 30


async def test_a_store_that_stops_or_starts_without_a_broker_ends_in_time(broker: Broker, tmp_path: Path) -> None:
    options = StoreOptions(broker.address, f"sqlite://{tmp_path}/store.sqlite", tmp_path)
    async with service(options):
        await until_online(broker.address, "store")
        await broker.stop()
    async with service(options):
        await asyncio.sleep(0.1)


async def test_a_wrong_password_ends_the_service_with_the_reason(broker: Broker, tmp_path: Path) -> None:
    wrong = type(broker.address)(broker.address.host, broker.address.port, "crampwatch", "wrong")
    with pytest.raises(UnavailableError, match="password"):
        await run(StoreOptions(wrong, f"sqlite://{tmp_path}/s.sqlite", tmp_path), stop=asyncio.Event())


async def test_sigkill_of_store_and_broker_loses_and_doubles_nothing(broker: Broker, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/store.sqlite"
    reader = open_store(url, read_only=True)
    async with Bus(broker.address, client_id="giver") as bus:
        process = await _start_process(broker, url, tmp_path)
        await until_online(broker.address, "store")
        giving = asyncio.create_task(_give(bus, 600))
        for _ in range(3):
            await asyncio.sleep(0.4)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            process = await _start_process(broker, url, tmp_path)
        await kill(broker)
        await broker.start()
        await giving
        await until(has(reader, 600))
        process.terminate()
        await process.wait()
    assert [one.id for one in reader.episodes()] == [episode(n).id for n in range(600)]


async def _give(bus: Bus, count: int) -> None:
    for n in range(count):
        await publish_message(bus, episode(n), Leaf.EPISODE)
        await asyncio.sleep(0.003)


async def _start_process(broker: Broker, url: str, data_dir: Path) -> asyncio.subprocess.Process:
    program = (
        "import asyncio, sys, pathlib\n"
        "from crampwatch.bus.address import BrokerAddress\n"
        "from crampwatch.store.ingest.service import StoreOptions, run\n"
        "options = StoreOptions(BrokerAddress.parse(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))\n"
        "asyncio.run(run(options, stop=asyncio.Event()))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, broker.address.url, url, str(data_dir), env=environment
    )


async def test_an_outage_of_influxdb_loses_and_doubles_nothing(
    broker: Broker, influx: InfluxServer, tmp_path: Path
) -> None:
    options = StoreOptions(broker.address, influx.url, tmp_path / "data", token=TOKEN)
    store = open_store(influx.url, token=TOKEN)
    async with Bus(broker.address, client_id="giver") as bus:
        async with service(options):
            await until_online(broker.address, "store")
            await _give(bus, 10)
            await until(has(store, 10))
            influx.refuses = True
            await _give(bus, 40)
            await publish_message(bus, temperature(3, 30.5), Leaf.TEMPERATURE)
        async with service(options):
            await until_online(broker.address, "store")
            await _give(bus, 60)
            influx.refuses = False
            # What the first service had received but not stored is sent again, after what came later.
            await until(lambda: has(store, 60)() and _temperatures(store) == 1)
    assert [one.id for one in store.episodes()] == [episode(n).id for n in range(60)]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["store-recent.sqlite", "store-spool.sqlite"]
    store.close()


async def test_a_wrong_token_is_told_and_what_comes_waits(
    broker: Broker, influx: InfluxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        Bus(broker.address, client_id="giver") as bus,
        service(StoreOptions(broker.address, influx.url, tmp_path / "data", token="wrong")),
    ):
        await until_online(broker.address, "store")
        await _give(bus, 1)
        await until(lambda: "token" in caplog.text)
    assert "wrong" not in caplog.text
