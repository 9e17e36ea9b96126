"""One suite for the bus against the embedded NATS server and Mosquitto alike."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from crampwatch.bus.client import Bus, Message
from crampwatch.protocol.errors import UnavailableError
from lanes.brokers import BROKERS, Broker, broker_of, kill
from lanes.patience import PATIENCE_S


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of(request.param, tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


async def take(bus: Bus, count: int, *, ack: bool = True) -> list[Message]:
    """Take messages; acknowledge each at once, since Mosquitto sends no more than 20 unacknowledged ones."""
    taken = []
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(count):
            taken.append(await bus.receive())
            if ack:
                taken[-1].ack()
    return taken


async def until_payload(bus: Bus, payload: bytes) -> list[bytes]:
    """Take and acknowledge messages up to one; return all payloads."""
    payloads = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in bus.messages():
            message.ack()
            payloads.append(message.payload)
            if message.payload == payload:
                return payloads
    raise AssertionError


async def test_messages_arrive_in_order_with_their_topic(broker: Broker) -> None:
    async with Bus(broker.address, client_id="taker") as taker, Bus(broker.address, client_id="giver") as giver:
        await taker.subscribe("crampwatch/v1/+/samples")
        for n in range(50):
            await giver.publish(f"crampwatch/v1/s{n % 3}/samples", bytes([n]))
        taken = await take(taker, 50)
    assert [message.payload[0] for message in taken] == list(range(50))
    assert taken[4].topic == "crampwatch/v1/s1/samples"
    assert not taken[4].retained


async def test_many_at_once_are_bounded_in_flight_and_all_acknowledged(broker: Broker) -> None:
    async with (
        Bus(broker.address, client_id="taker", receive_limit=20) as taker,
        Bus(broker.address, client_id="giver", inflight_limit=10) as giver,
    ):
        await taker.subscribe("a/b")
        async with asyncio.TaskGroup() as group:
            for n in range(500):
                group.create_task(giver.publish("a/b", str(n).encode()))
            got = group.create_task(until_payload(taker, b"499"))
    assert got.result() == [str(n).encode() for n in range(500)]


async def test_a_retained_message_reaches_a_late_subscriber(broker: Broker) -> None:
    async with Bus(broker.address, client_id="giver") as giver:
        await giver.publish("a/info", b"first", retain=True)
        await giver.publish("a/info", b"second", retain=True)
    async with Bus(broker.address, client_id="taker") as taker:
        await taker.subscribe("a/info")
        (message,) = await take(taker, 1)
    assert message.payload == b"second"
    assert message.retained


async def test_a_large_payload_arrives_whole(broker: Broker) -> None:
    payload = bytes(range(256)) * 4096
    async with Bus(broker.address, client_id="both") as bus:
        await bus.subscribe("a/large")
        await bus.publish("a/large", payload)
        (message,) = await take(bus, 1)
    assert message.payload == payload


async def test_the_last_will_is_said_when_a_client_vanishes_but_not_when_it_leaves(broker: Broker) -> None:
    async with Bus(broker.address, client_id="watcher") as watcher:
        await watcher.subscribe("a/status")
        leaving = Bus(broker.address, client_id="leaver", will=("a/status", b"left"), birth=("a/status", b"here"))
        async with leaving:
            assert [message.payload for message in await take(watcher, 1)] == [b"here"]
        vanishing = Bus(broker.address, client_id="vanisher", will=("a/status", b"gone"))
        async with vanishing:
            assert vanishing._connection is not None
            vanishing._connection.abort()
            assert [message.payload for message in await take(watcher, 1)] == [b"gone"]


async def test_a_persistent_client_gets_again_what_it_did_not_acknowledge(broker: Broker) -> None:
    async with Bus(broker.address, client_id="giver") as giver:
        async with Bus(broker.address, client_id="keeper", persistent=True) as keeper:
            await keeper.subscribe("a/b")
            for n in range(10):
                await giver.publish("a/b", bytes([n]))
            for message in (await take(keeper, 10, ack=False))[:4]:
                message.ack()
            # Once the broker has answered this, it has read what was said before on the same connection.
            await keeper.publish("a/mark", b"")
            assert keeper._connection is not None
            keeper._connection.abort()
        for n in range(10, 15):
            await giver.publish("a/b", bytes([n]))
        async with Bus(broker.address, client_id="keeper", persistent=True) as keeper:
            again = await take(keeper, 11)
            late = again[0]
            late.ack()
    assert sorted(message.payload[0] for message in again) == list(range(4, 15))


async def test_acknowledging_a_message_of_an_earlier_connection_does_nothing(broker: Broker) -> None:
    async with (
        Bus(broker.address, client_id="giver") as giver,
        Bus(broker.address, client_id="keeper", persistent=True) as keeper,
    ):
        await keeper.subscribe("a/b")
        await giver.publish("a/b", b"x")
        (old,) = await take(keeper, 1, ack=False)
        assert keeper._connection is not None
        keeper._connection.abort()
        await keeper.wait_connected()
        (again,) = await take(keeper, 1, ack=False)
        old.ack()
        assert again._connection is not None
        assert again._mid in again._connection._unacknowledged


async def test_what_was_published_across_a_broker_restart_arrives(broker: Broker) -> None:
    async with (
        Bus(broker.address, client_id="giver") as giver,
        Bus(broker.address, client_id="keeper", persistent=True) as keeper,
    ):
        await keeper.subscribe("a/b")
        got = asyncio.create_task(until_payload(keeper, b"99"))
        for n in range(100):
            if n == 40:
                await broker.stop()
                publishing = asyncio.create_task(giver.publish("a/b", b"40"))
                await asyncio.sleep(0.1)
                assert not publishing.done()
                assert not giver.is_connected
                await broker.start()
                await publishing
            else:
                await giver.publish("a/b", str(n).encode())
        assert {int(payload) for payload in await got} == set(range(100))


async def test_a_consumer_that_publishes_while_its_queue_is_full_does_not_lock_up(broker: Broker) -> None:
    async with (
        Bus(broker.address, client_id="giver") as giver,
        Bus(broker.address, client_id="echo", receive_limit=4) as echo,
    ):
        await echo.subscribe("in")
        for n in range(100):
            await giver.publish("in", bytes([n]), qos=0)
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(10):
                message = await echo.receive()
                await echo.publish("out", message.payload)


async def test_a_full_queue_stops_the_reading_and_loses_nothing(broker: Broker) -> None:
    async with (
        Bus(broker.address, client_id="giver") as giver,
        Bus(broker.address, client_id="slow", receive_limit=5) as slow,
    ):
        await slow.subscribe("in")
        for n in range(200):
            await giver.publish("in", bytes([n]))
        assert slow.queued_messages <= 25
        assert [message.payload[0] for message in await take(slow, 200)] == list(range(200))


async def test_a_wrong_password_is_refused_at_once_with_advice(broker: Broker) -> None:
    wrong = type(broker.address)(broker.address.host, broker.address.port, broker.address.user, "wrong")
    with pytest.raises(UnavailableError, match="password") as met:
        async with asyncio.timeout(PATIENCE_S / 2), Bus(wrong, client_id="intruder", first_timeout_s=PATIENCE_S):
            pass
    assert "wrong" not in str(met.value)
    async with asyncio.timeout(PATIENCE_S / 2), Bus(wrong, client_id="intruder", first_timeout_s=None) as bus:
        for waits in (bus.subscribe("a/b"), bus.receive(), bus.publish("a/b", b""), bus.wait_connected()):
            with pytest.raises(UnavailableError, match="password"):
                await waits


@pytest.mark.parametrize("kind", ["nats"])
async def test_what_the_embedded_broker_acknowledged_survives_sigkill(kind: str, tmp_path: Path) -> None:
    broker = broker_of(kind, tmp_path)
    await broker.start()
    acknowledged: list[int] = []
    progress = asyncio.Semaphore(0)
    try:
        async with Bus(broker.address, client_id="keeper", persistent=True) as keeper:
            await keeper.subscribe("a/b")
        async with Bus(broker.address, client_id="giver") as giver:

            async def give() -> None:
                for n in range(100_000):
                    await giver.publish("a/b", str(n).encode())
                    acknowledged.append(n)
                    progress.release()

            giving = asyncio.create_task(give())
            for _ in range(300):
                await progress.acquire()
            await kill(broker)
            await broker.start()
            for _ in range(50):
                await progress.acquire()
            giving.cancel()
        async with Bus(broker.address, client_id="keeper", persistent=True) as keeper:
            got = await until_payload(keeper, str(acknowledged[-1]).encode())
    finally:
        await broker.stop()
    assert set(acknowledged) <= {int(payload) for payload in got}
