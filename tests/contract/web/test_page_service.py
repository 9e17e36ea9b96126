"""The page as a service: it starts without a broker, follows one that comes later, and ends when asked to."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus, publish_message
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.bus.endpoint import free_port
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.messages import ServiceStatus, decode
from crampwatch.protocol.topics import Leaf, Topic, service_topic
from crampwatch.store.engines import open_store
from crampwatch.web import service
from crampwatch.web.service import WebOptions, page_url, run
from lanes.patience import PATIENCE_S, ends_soon
from nights.foot_messages import Foot

NOBODY = BrokerAddress("127.0.0.1", 9)


@asynccontextmanager
async def served(options: WebOptions) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service while the context lasts."""
    port = free_port()
    stop = asyncio.Event()
    running = asyncio.create_task(run(replace(options, port=port), stop=stop))
    async with httpx.AsyncClient(base_url=page_url(options.host, port), timeout=PATIENCE_S) as browser:
        await until_answered(browser)
        yield browser
        stop.set()
        await ends_soon(running)


async def until_answered(browser: httpx.AsyncClient, **wanted: object) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                health = (await browser.get("/api/v1/health")).json()
                if all(health[name] == value for name, value in wanted.items()):
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def events(browser: httpx.AsyncClient) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    async with browser.stream("GET", "/api/v1/live", timeout=PATIENCE_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


async def test_the_page_is_served_before_there_is_a_broker() -> None:
    async with served(WebOptions(NOBODY)) as browser:
        assert (await browser.get("/")).status_code == 200
        name, snapshot = await anext(events(browser))
        assert (name, snapshot["broker"]) == ("snapshot", False)


async def test_broker_messages_reach_the_stream(tmp_path: Path) -> None:
    foot = Foot("cw", start_ns=time.time_ns())
    async with (
        EmbeddedBroker(tmp_path / "broker") as broker,
        Bus(broker.address, client_id="feet") as bus,
        served(WebOptions(broker.address)) as browser,
    ):
        await until_answered(browser, broker=True)
        stream = events(browser)
        assert (await anext(stream))[0] == "snapshot"
        await publish_message(bus, foot.info(), Leaf.INFO)
        await bus.publish("crampwatch/v1/cw/state", b"not json", qos=1)
        await bus.publish(str(Topic("cw", Leaf.SAMPLES)), foot.block().encode(), qos=1)
        async for _, update in stream:
            if update.get("sensors", {}).get("cw", {}).get("fine"):
                break
        _, snapshot = await anext(events(browser))
        assert snapshot["sensors"]["cw"]["info"]["session"] == str(foot.session)


async def test_the_service_publishes_its_address_and_its_end(tmp_path: Path) -> None:
    async with (
        EmbeddedBroker(tmp_path / "broker") as broker,
        Bus(broker.address, client_id="reader") as bus,
    ):
        await bus.subscribe(str(service_topic("web")))
        async with served(WebOptions(broker.address)) as browser:
            online = decode((await bus.receive()).payload, ServiceStatus)
            assert (online.online, online.detail) == (True, str(browser.base_url))
        assert decode((await bus.receive()).payload, ServiceStatus).online is False


async def test_earlier_episodes_of_the_night_come_from_the_store(tmp_path: Path) -> None:
    foot = Foot("cw", start_ns=time.time_ns())
    url = f"sqlite:///{(tmp_path / 'store.sqlite').as_posix().lstrip('/')}"
    store = open_store(url)
    store.write([foot.episode("a", status="closed", lasts_s=0.0), foot.notice("cramp", "Likely cramp.")])
    store.close()
    async with served(WebOptions(NOBODY, history=open_store(url, read_only=True))) as browser:
        async for _, update in events(browser):
            if update.get("episodes"):
                assert [episode["id"] for episode in update["episodes"]] == ["cw-a"]
                break


async def test_open_pages_do_not_delay_the_shutdown() -> None:
    async with served(WebOptions(NOBODY)) as browser:
        stream = events(browser)
        await anext(stream)


async def test_a_port_in_use_is_reported_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"{port}: the port is already in use.*another port"):
            await run(WebOptions(NOBODY, port=port), stop=asyncio.Event())


async def test_two_pages_started_at_once_both_find_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, other = free_port(), free_port()
    monkeypatch.setattr(service, "DEFAULT_PORT", usual)
    monkeypatch.setattr(service, "free_port", lambda: other)
    stop = asyncio.Event()
    pages = [asyncio.create_task(run(WebOptions(NOBODY), stop=stop)) for _ in range(2)]
    for port in (usual, other):
        async with httpx.AsyncClient(base_url=page_url("127.0.0.1", port), timeout=PATIENCE_S) as browser:
            await until_answered(browser)
    stop.set()
    await asyncio.gather(*map(ends_soon, pages))


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 8042), ("127.0.0.1", 99_999), ("no such host", 1)])
async def test_an_address_of_another_machine_is_reported_with_advice(host: str, port: int) -> None:
    options = WebOptions(NOBODY, host=host, port=port, access_token="a-token-of-24-characters")
    with pytest.raises(UnavailableError, match="Cannot serve the page on"):
        await run(options, stop=asyncio.Event())


async def test_serving_other_machines_without_a_token_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="token"):
        await run(WebOptions(NOBODY, host="0.0.0.0"), stop=asyncio.Event())


async def test_a_login_refused_by_the_broker_ends_the_service(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        address = replace(broker.address, password="wrong")
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(run(WebOptions(address, port=free_port()), stop=asyncio.Event()), PATIENCE_S)
