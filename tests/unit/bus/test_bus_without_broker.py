import asyncio
import socket

import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import MAX_PAYLOAD_BYTES, Bus
from crampwatch.bus.endpoint import HOST, free_port
from crampwatch.protocol.errors import UnavailableError


async def test_nobody_listens() -> None:
    with pytest.raises(UnavailableError, match=r"cannot be reached.*Check that it is running"):
        async with Bus(BrokerAddress(HOST, free_port()), client_id="c", first_timeout_s=0.3):
            pass


async def test_something_else_listens_that_never_answers() -> None:
    with socket.create_server((HOST, 0)) as server:
        address = BrokerAddress(HOST, server.getsockname()[1])
        with pytest.raises(UnavailableError, match="did not answer"):
            async with Bus(address, client_id="c", first_timeout_s=0.3):
                pass


async def test_something_else_listens_that_answers_nonsense() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, HOST, 0) as server:
        address = BrokerAddress(HOST, server.sockets[0].getsockname()[1])
        with pytest.raises(UnavailableError, match="MQTT"):
            async with Bus(address, client_id="c", first_timeout_s=0.3):
                pass


async def test_a_payload_no_broker_takes_is_our_mistake() -> None:
    bus = Bus(BrokerAddress(HOST, 1), client_id="c")
    with pytest.raises(ValueError, match="at most 2097152"):
        await bus.publish("a", bytes(MAX_PAYLOAD_BYTES + 1))


async def test_what_needs_no_delivery_is_dropped_and_counted_while_nobody_listens() -> None:
    bus = Bus(BrokerAddress(HOST, 1), client_id="c")
    await bus.publish("a", b"", qos=0)
    assert bus.dropped_messages == 1


async def test_who_does_not_want_to_wait_enters_at_once_and_leaves_at_once() -> None:
    async with asyncio.timeout(1), Bus(BrokerAddress(HOST, free_port()), client_id="c", first_timeout_s=None) as bus:
        assert not bus.is_connected
