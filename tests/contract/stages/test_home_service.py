"""The Home Assistant side on real brokers, with the rights of its role: announced, kept up to date, announced again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus, publish_message
from crampwatch.bus.embedded import EmbeddedBroker, saved_address
from crampwatch.home.model.discovery import BIRTH_TOPIC
from crampwatch.home.service import HomeOptions, run
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf
from lanes.patience import PATIENCE_S, ends_soon, until_online
from nights.stored_messages import episode

CONFIG = "homeassistant/device/crampwatch-CW-LEFT/config"
STATE = "crampwatch/home/CW-LEFT"
STATUS = "crampwatch/v1/_home/status"
T_NS = 1_700_000_000_000_000_000


@dataclass
class Assistant:
    """As much of Home Assistant as listens; with its rights."""

    bus: Bus
    configs: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)

    async def until_config(self, count: int) -> dict[str, Any]:
        while len(self.configs) < count:
            await self._hear()
        return self.configs[-1]

    async def until(self, **wanted: object) -> dict[str, Any]:
        while not self.states or any(self.states[-1][key] != value for key, value in wanted.items()):
            await self._hear()
        return self.states[-1]

    async def _hear(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            received = await self.bus.receive()
        received.ack()
        places = {CONFIG: self.configs, STATE: self.states}
        if received.topic in places:
            places[received.topic].append(json.loads(received.payload))


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Path]:
    async with EmbeddedBroker(tmp_path / "broker"):
        yield tmp_path / "broker"


def login(broker: Path, role: str) -> BrokerAddress:
    address = saved_address(broker, role=role)
    assert address is not None
    return address


@asynccontextmanager
async def home(broker: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    options = HomeOptions(login(broker, "home"), broker / "home.json", version="0", birth_pause_s=0.01)
    running = asyncio.create_task(run(options, stop=stop))
    try:
        await until_online(login(broker, "homeassistant"), "home")
        yield
    finally:
        stop.set()
        await ends_soon(running)


@asynccontextmanager
async def assistant(broker: Path) -> AsyncIterator[Assistant]:
    hears = {"homeassistant/#": 1, "crampwatch/home/#": 1}
    async with Bus(login(broker, "homeassistant"), client_id="ha", subscriptions=hears) as bus:
        yield Assistant(bus)


async def say(broker: Path, *said: tuple[Leaf, messages.Message]) -> None:
    """Speak as collector and detector do, with their rights."""
    roles = {Leaf.STATE: "detector", Leaf.EPISODE: "detector"}
    for leaf, message in said:
        async with Bus(login(broker, roles.get(leaf, "collector")), client_id=f"speaker-{leaf}") as bus:
            await publish_message(bus, message, leaf)


def introduction() -> tuple[Leaf, messages.Message]:
    return Leaf.INFO, messages.SensorInfo(
        sensor="CW-LEFT",
        t_ns=T_NS,
        origin=Origin.DEMO,
        session="s",
        name="CW-LEFT",
        profile="CWS v1",
        boot_id=1,
        streams=(),
        started_ns=T_NS,
        utc_offset_s=0,
    )


def present() -> tuple[Leaf, messages.Message]:
    status = messages.ServiceStatus(sensor="CW-LEFT", t_ns=T_NS, origin=Origin.DEMO, online=True, service="sensor")
    return Leaf.STATUS, status


def state(name: Any) -> tuple[Leaf, messages.Message]:
    return Leaf.STATE, messages.SensorState(sensor="CW-LEFT", t_ns=T_NS, origin=Origin.DEMO, state=name, session="s")


def cramp(onset_ns: int) -> tuple[Leaf, messages.Message]:
    return Leaf.EPISODE, episode(sensor="CW-LEFT", t_ns=onset_ns, id=f"e{onset_ns}", onset_ns=onset_ns, offset_ns=None)


async def test_a_sensor_becomes_a_device_whose_picture_follows_what_is_said(broker: Path) -> None:
    async with home(broker), assistant(broker) as ha:
        await say(broker, introduction(), present(), state("rest"))
        announced = await ha.until_config(1)
        assert announced["state_topic"] == STATE
        assert "simulated" in announced["device"]["name"]
        await ha.until(sensor="online", state="rest", problem="OFF")
        await say(broker, state("cramp"))
        await ha.until(contraction="ON")
        await say(broker, state("rest"))
        await ha.until(contraction="OFF")


async def test_a_home_assistant_that_starts_is_told_all_again(broker: Path) -> None:
    async with home(broker), assistant(broker) as ha:
        await say(broker, introduction(), present(), state("rest"))
        await ha.until(state="rest")
        before = len(ha.configs)
        await ha.bus.publish(BIRTH_TOPIC, b"online")
        await ha.until_config(before + 1)


async def test_one_that_comes_later_finds_devices_and_pictures_on_the_broker(broker: Path) -> None:
    async with home(broker), assistant(broker) as early:
        await say(broker, introduction(), present(), state("rest"))
        await early.until(state="rest")
    async with assistant(broker) as late:
        await late.until_config(1)
        await late.until(state="rest")


async def test_the_count_of_the_night_survives_a_restart(broker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crampwatch.home.service.time.time_ns", lambda: T_NS)
    async with assistant(broker) as ha:
        async with home(broker):
            await say(broker, introduction(), present(), cramp(T_NS - 10))
            await ha.until(episodes_tonight=1)
        async with home(broker):
            await say(broker, cramp(T_NS))
            await ha.until(episodes_tonight=2)


async def test_entities_are_unavailable_while_the_service_is_away(broker: Path) -> None:
    address = replace(login(broker, "homeassistant"))
    async with Bus(address, client_id="ha", subscriptions={STATUS: 1}) as bus:
        async with home(broker), asyncio.timeout(PATIENCE_S):
            while not messages.decode((await bus.receive()).payload, messages.ServiceStatus).online:
                continue
        async with asyncio.timeout(PATIENCE_S):
            while messages.decode((await bus.receive()).payload, messages.ServiceStatus).online:
                continue


async def test_what_is_no_message_or_of_another_sensor_changes_nothing(broker: Path) -> None:
    async with home(broker), assistant(broker) as ha:
        async with Bus(login(broker, "collector"), client_id="hostile") as bus:
            stolen = messages.encode(introduction()[1])
            for payload in (b"", b"\xff" * 70_000, b"[]", b'{"sensor": 1}', stolen):
                await bus.publish("crampwatch/v1/OTHER/info", payload)
        await say(broker, introduction(), present(), state("active"))
        await ha.until(state="active")
        assert {config["device"]["serial_number"] for config in ha.configs} == {"CW-LEFT"}
