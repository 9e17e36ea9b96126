"""The embedded broker: its life as a child process, its ports and secrets, and the bounds of its storage."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import BrokerListener, EmbeddedBroker, saved_address
from crampwatch.bus.endpoint import HOST, free_port
from crampwatch.protocol.errors import UnavailableError
from lanes.brokers import kill
from lanes.patience import PATIENCE_S


async def test_it_listens_on_loopback_with_secrets_only_its_owner_reads(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        assert broker.address.host == "127.0.0.1"
        assert saved_address(tmp_path / "broker") == broker.address
        for name in ("secrets.toml", "nats.conf"):
            assert stat.S_IMODE((tmp_path / "broker" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "broker").stat().st_mode) == 0o700
        pid = broker.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_address_and_retained_messages_outlive_a_restart(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path) as broker:
        first = broker.address
        async with Bus(broker.address, client_id="c") as bus:
            await bus.publish("a/info", b"kept", retain=True)
            await kill(broker)
    async with EmbeddedBroker(tmp_path) as broker:
        assert broker.address == first
        async with Bus(broker.address, client_id="c") as bus, asyncio.timeout(PATIENCE_S):
            await bus.subscribe("a/info")
            assert (await bus.receive()).payload == b"kept"


async def test_a_port_taken_since_is_replaced(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path) as broker:
        port = broker.address.port
    with socket.create_server((HOST, port)):
        async with EmbeddedBroker(tmp_path) as broker:
            assert broker.address.port != port


async def test_a_port_asked_for_and_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"Port {port} .* taken"):
            await EmbeddedBroker(tmp_path, listener=BrokerListener(port=port)).start()


async def test_a_port_asked_for_is_used(tmp_path: Path) -> None:
    port = free_port()
    async with EmbeddedBroker(tmp_path, listener=BrokerListener(port=port)) as broker:
        assert broker.address.port == port


async def test_a_server_left_behind_is_ended_and_replaced(tmp_path: Path) -> None:
    left = EmbeddedBroker(tmp_path)
    await left.start()
    async with EmbeddedBroker(tmp_path) as broker:
        assert await left.wait() >= 0
        assert broker.address == left.address


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="--data"):
        await EmbeddedBroker(tmp_path / "file" / "broker").start()


async def test_what_it_keeps_for_an_absent_client_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path, stored_bytes=1 << 20) as broker:
        async with Bus(broker.address, client_id="away", persistent=True) as away:
            await away.subscribe("a/b")
        async with Bus(broker.address, client_id="giver") as giver, asyncio.TaskGroup() as group:
            for n in range(300):
                group.create_task(giver.publish("a/b", n.to_bytes(2, "big") + bytes(10_000)))
        got = []
        async with Bus(broker.address, client_id="away", persistent=True) as away, asyncio.timeout(PATIENCE_S):
            async for message in away.messages():
                message.ack()
                got.append(int.from_bytes(message.payload[:2], "big"))
                if got[-1] == 299:
                    break
    assert 50 < len(got) < 110
    assert got == list(range(got[0], 300))


async def test_that_little_room_is_left_is_told_before_anything_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedBroker(tmp_path, stored_bytes=1 << 20) as broker:
        async with Bus(broker.address, client_id="away", persistent=True) as away:
            await away.subscribe("a/b")
        watching = asyncio.create_task(broker.watch_storage(every_s=0.01))
        async with Bus(broker.address, client_id="giver") as giver, asyncio.timeout(PATIENCE_S):
            for n in range(90):
                await giver.publish("a/b", n.to_bytes(2, "big") + bytes(10_000))
                assert n > 75 or not caplog.records
            while "backfill-store" not in caplog.text:  # noqa: ASYNC110 - a log tells nobody that it has grown
                await asyncio.sleep(0.01)
        watching.cancel()
    assert len(caplog.records) == 1, "said once"
