"""What others see of a service on a real broker: when it comes, reports, leaves, fails, and vanishes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from crampwatch.bus.client import Bus
from crampwatch.bus.service import ServiceShell
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import ServiceStatus, decode
from crampwatch.protocol.topics import service_topic
from lanes.brokers import BROKERS, Broker, broker_of
from lanes.patience import PATIENCE_S

TOPIC = str(service_topic("store"))


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    one = broker_of(request.param, tmp_path)
    await one.start()
    yield one
    await one.stop()


@asynccontextmanager
async def watching(broker: Broker) -> AsyncIterator["Statuses"]:
    """A subscriber to the status of the service under test."""
    async with Bus(broker.address, client_id="watcher", subscriptions={TOPIC: 1}) as bus:
        yield Statuses(bus)


class Statuses:
    """The statuses of a service, one after the other."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def next(self) -> ServiceStatus:
        async with asyncio.timeout(PATIENCE_S):
            received = await self._bus.receive()
        received.ack()
        return decode(received.payload, ServiceStatus)


def shell(broker: Broker, **options: object) -> ServiceShell:
    return ServiceShell("store", broker.address, client_id="store", version="1.2", detail="ready", **options)  # type: ignore[arg-type] # a test's options


async def test_a_service_is_online_while_it_runs_and_offline_afterwards(broker: Broker) -> None:
    async with watching(broker) as statuses:
        async with shell(broker, now_ns=lambda: 5):
            online = await statuses.next()
        offline = await statuses.next()
    assert (online.online, offline.online) == (True, False)
    for status in (online, offline):
        assert (status.sensor, status.service, status.version, status.detail) == ("_store", "store", "1.2", "ready")
        assert (status.t_ns, status.backlog, status.free_bytes) == (5, None, None)


async def test_the_status_is_retained_for_whoever_comes_later(broker: Broker) -> None:
    async with shell(broker) as one:
        await one.bus.wait_connected()
    async with watching(broker) as statuses:
        assert not (await statuses.next()).online


async def test_a_status_may_report_what_has_changed(broker: Broker) -> None:
    async with watching(broker) as statuses, shell(broker) as one:
        await statuses.next()
        await one.publish_online(backlog=7, free_bytes=8)
        busy = await statuses.next()
        await one.publish_online(detail="7 messages wait")
        detailed = await statuses.next()
    assert (busy.online, busy.backlog, busy.free_bytes, busy.detail) == (True, 7, 8, "ready")
    assert (detailed.online, detailed.backlog, detailed.detail) == (True, None, "7 messages wait")


async def test_a_service_that_fails_is_offline_too(broker: Broker) -> None:
    async def fail() -> None:
        raise UnavailableError("the disk is full")

    async def run_shell(work: Coroutine[object, object, None], statuses: Statuses) -> None:
        async with shell(broker) as one:
            await statuses.next()
            await one.run(work, stop=asyncio.Event())

    async with watching(broker) as statuses:
        with pytest.raises(UnavailableError, match="disk is full"):
            await run_shell(fail(), statuses)
        assert not (await statuses.next()).online


async def test_a_service_that_vanishes_is_declared_offline_by_the_broker(broker: Broker) -> None:
    async with watching(broker) as statuses, shell(broker) as one:
        await statuses.next()
        await one.bus.wait_connected()
        assert one.bus._connection is not None
        one.bus._connection.abort()
        assert not (await statuses.next()).online
        assert (await statuses.next()).online, "it has come back by itself"


async def test_what_is_left_is_published_before_the_service_is_offline(broker: Broker) -> None:
    async def publish_rest() -> None:
        await one.publish_online(detail="the rest")

    async with watching(broker) as statuses:
        async with shell(broker, before_offline=publish_rest) as one:
            await statuses.next()
        assert (await statuses.next()).detail == "the rest"
        assert not (await statuses.next()).online
