"""Streaming: a snapshot first, then changes; a slow browser is dropped, never buffered without bound."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.web.live.model import LiveModel
from crampwatch.web.stream import sse
from crampwatch.web.stream.sse import EventStream, Hub, Viewer
from nights.foot_messages import Foot

BEGIN_NS = 1_700_000_000_000_000_000


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def add_samples(model: LiveModel, foot: Foot) -> None:
    model.apply(Topic(foot.sensor, Leaf.SAMPLES), foot.block().encode(), now_s=0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model() -> LiveModel:
    return LiveModel(now_ns=BEGIN_NS, utc_offset_s=0)


@pytest.fixture
def foot() -> Foot:
    return Foot("cw", start_ns=BEGIN_NS)


async def first_lines(viewer: Viewer, count: int) -> list[str]:
    events: AsyncIterator[bytes] = viewer.events()
    async with asyncio.timeout(5):
        return [(await anext(events)).decode().split("\n")[0] for _ in range(count)]


async def test_a_new_page_gets_a_snapshot_and_then_only_changes(model: LiveModel, foot: Foot, clock: Clock) -> None:
    hub = Hub(model, clock=clock)
    add_samples(model, foot)
    with hub.open_viewer() as viewer:
        hub.tick()
        add_samples(model, foot)
        hub.tick()
        assert await first_lines(viewer, 2) == ["event: snapshot", "event: update"]
        assert hub.viewers == 1
    assert hub.viewers == 0


async def test_a_heartbeat_a_second_shows_that_the_server_is_alive(model: LiveModel, clock: Clock) -> None:
    hub = Hub(model, clock=clock)
    with hub.open_viewer() as viewer:
        for clock.now_s in (0.5, 1.0, 1.5, 2.0):
            hub.tick()
        assert await first_lines(viewer, 3) == ["event: snapshot", "event: beat", "event: beat"]


async def test_a_slow_viewer_is_dropped_and_the_others_are_not(model: LiveModel, foot: Foot, clock: Clock) -> None:
    hub = Hub(model, clock=clock, backlog=3)
    with hub.open_viewer() as slow, hub.open_viewer() as quick:
        for _ in range(6):
            add_samples(model, foot)
            hub.tick()
            await first_lines(quick, 1)
        assert slow.is_dropped.is_set()
        assert not quick.is_dropped.is_set()


async def test_seventeen_pages_may_not_be_open(model: LiveModel) -> None:
    hub = Hub(model)
    with pytest.raises(UnavailableError, match="16 pages"):
        await open_pages(hub, 17)
    assert hub.viewers == 0


async def open_pages(hub: Hub, count: int) -> None:
    with hub.open_viewer():
        if count > 1:
            await open_pages(hub, count - 1)


class Browser:
    """The ASGI side of a browser."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.is_reading = asyncio.Event()
        self.is_reading.set()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await self.is_reading.wait()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_the_stream_ends_when_the_browser_leaves(model: LiveModel, foot: Foot) -> None:
    hub, browser = Hub(model), Browser()
    add_samples(model, foot)
    stream = asyncio.create_task(EventStream(hub)({}, browser.receive, browser.send))
    await until(lambda: b"snapshot" in browser.body)
    browser.gone.set()
    await asyncio.wait_for(stream, 5)
    assert hub.viewers == 0
    assert browser.body.startswith(b"retry: 1000\n\nevent: snapshot\ndata: {")
    snapshot = json.loads(browser.body.split(b"data: ")[1].split(b"\n")[0])
    assert list(snapshot["sensors"]) == ["cw"]


async def test_closing_the_hub_ends_every_stream(model: LiveModel) -> None:
    hub, browser = Hub(model), Browser()
    stream = asyncio.create_task(EventStream(hub)({}, browser.receive, browser.send))
    await until(lambda: hub.viewers == 1)
    hub.close()
    await asyncio.wait_for(stream, 5)
    assert browser.sent[-1]["more_body"] is False


async def test_a_browser_that_accepts_nothing_does_not_block_the_server(
    model: LiveModel, foot: Foot, clock: Clock
) -> None:
    hub, browser = Hub(model, clock=clock, backlog=2), Browser()
    stream = asyncio.create_task(EventStream(hub)({}, browser.receive, browser.send))
    await until(lambda: b"snapshot" in browser.body)
    browser.is_reading.clear()
    for _ in range(5):
        add_samples(model, foot)
        hub.tick()
        await asyncio.sleep(0)
    await asyncio.wait_for(stream, 5)
    assert hub.viewers == 0


async def test_a_heartbeat_follows_a_second_after_the_last_event(model: LiveModel, foot: Foot, clock: Clock) -> None:
    hub = Hub(model, clock=clock)
    with hub.open_viewer() as viewer:
        clock.now_s = 0.5
        add_samples(model, foot)
        hub.tick()
        for clock.now_s in (1.0, 1.499):
            hub.tick()
        assert viewer._events.qsize() == 2  # the snapshot and the update
        clock.now_s = 1.5
        hub.tick()
        assert viewer._events.qsize() == 3


async def test_a_viewer_may_fall_behind_by_a_hundred_events(model: LiveModel, foot: Foot, clock: Clock) -> None:
    hub = Hub(model, clock=clock)
    with hub.open_viewer() as viewer:
        for _ in range(99):  # and the snapshot
            add_samples(model, foot)
            hub.tick()
        assert not viewer.is_dropped.is_set()
        add_samples(model, foot)
        hub.tick()
        assert viewer.is_dropped.is_set()


async def test_sixteen_pages_may_be_open(model: LiveModel) -> None:
    await open_pages(Hub(model), 16)


async def test_what_changed_while_nobody_looked_is_only_in_the_snapshot(model: LiveModel, foot: Foot) -> None:
    hub = Hub(model)
    add_samples(model, foot)
    with hub.open_viewer() as viewer:
        hub.tick()
        assert viewer._events.qsize() == 1


async def test_a_browser_that_accepts_nothing_for_ten_seconds_is_gone(
    model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sse._SEND_TIMEOUT_S == 10.0
    monkeypatch.setattr(sse, "_SEND_TIMEOUT_S", 0.05)
    hub, browser = Hub(model), Browser()
    stream = asyncio.create_task(EventStream(hub)({}, browser.receive, browser.send))
    await until(lambda: b"snapshot" in browser.body)
    browser.is_reading.clear()
    hub._broadcast(b"event: update\n\n", 0.0)
    await asyncio.wait_for(stream, 5)
    assert hub.viewers == 0
