"""The permission matrix, cell by cell: each role does what it must and is refused all else, on both brokers."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.connection import Connection
from crampwatch.bus.embedded import BrokerListener, EmbeddedBroker, saved_address
from crampwatch.bus.mosquitto_rules import format_access_file, format_password_file
from crampwatch.bus.roles import ROLES, User, rights_of
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.topics import Leaf, Topic
from lanes.brokers import BROKERS, Mosquitto
from lanes.patience import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")
SENSORS = ("CW-LEFT", "CW-RIGHT")
SERVICES = ("_collector", "_detector", "_store", "_web", "_home")
TOPICS = (
    *(str(Topic(place, leaf)) for place in (SENSORS[0], *SERVICES) for leaf in Leaf),
    "homeassistant/status",
    "homeassistant/device/crampwatch-CW-LEFT/config",
    "homeassistant/light/kitchen/config",
    "crampwatch/home/CW-LEFT",
    "crampwatch/v2/CW-LEFT/samples",
    "crampwatch/v1/CW-LEFT/samples/more",
    "another/program",
)
"""What somebody might say or hear; whatever a role's rights do not name has to be refused."""
LIMITED = User("bedside", "collector", secrets.token_urlsafe(), (SENSORS[0],))
LIMITED_READER = User("diary", "reader", secrets.token_urlsafe(), (SENSORS[0],))
USERS = (*(User(f"a-{role}", role, secrets.token_urlsafe()) for role in ROLES), LIMITED, LIMITED_READER)
OWNER = User("tester", "reader", "secret")


@dataclass
class Stand:
    """A broker with all users; its owner may do anything."""

    address: Callable[[User], BrokerAddress]
    owner: BrokerAddress

    def bus(self, user: User, **options: object) -> Bus:
        return Bus(self.address(user), client_id=f"client-{user.name}", **options)  # type: ignore[arg-type]  # passed on


@pytest_asyncio.fixture(params=BROKERS, scope="module", loop_scope="module")
async def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    folder = tmp_path_factory.mktemp("roles")
    if request.param == "nats":
        async with EmbeddedBroker(folder, listener=BrokerListener(users=USERS)) as nats:
            yield Stand(lambda user: replace(nats.address, user=user.name, password=user.password), nats.address)
        return
    mosquitto = RuledMosquitto(folder)
    await mosquitto.start()
    yield Stand(lambda user: replace(mosquitto.address, user=user.name, password=user.password), mosquitto.address)
    await mosquitto.stop()


class RuledMosquitto(Mosquitto):
    """Mosquitto with the access and password files we write."""

    def _configure(self) -> Path:
        configuration = super()._configure()
        access = self._directory / "access"
        access.write_text(format_access_file(USERS) + "user tester\ntopic readwrite #\n")
        with configuration.open("a") as file:
            file.write(f"acl_file {access}\n")
        (self._directory / "passwords").write_text(format_password_file([*USERS, OWNER]))
        return configuration


def _matches(topic_filter: str, topic: str) -> bool:
    wanted, met = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        return wanted[:-1] == met[: len(wanted) - 1] or (
            len(met) >= len(wanted) and all(w in ("+", m) for w, m in zip(wanted[:-1], met, strict=False))
        )
    return len(wanted) == len(met) and all(w in ("+", m) for w, m in zip(wanted, met, strict=True))


def _may_publish(user: User, topic: str) -> bool:
    rights = rights_of(user)
    return any(_matches(one, topic) for one in rights.publishes) and not any(
        _matches(one, topic) for one in rights.never_publishes
    )


def _may_receive(user: User, topic: str) -> bool:
    return any(_matches(one, topic) for one in rights_of(user).reads)


async def _received_topics(bus: Bus, end: str) -> set[str]:
    """Take what comes, up to the mark."""
    topics: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await bus.receive()
            message.ack()
            if message.topic == end:
                return topics
            topics.add(message.topic)


async def _try_to_say(address: BrokerAddress, topic: str) -> None:
    """Publish, on a connection of its own: Mosquitto hangs up on a refused publication."""
    connection = await Connection.open(
        address, client_id=f"speaker-{uuid4().hex}", persistent=False, will=None, on_publish=lambda *_: None
    )
    try:
        await connection.publish(topic, b"said", qos=1, retain=False)
    finally:
        await connection.close()


async def _granted(bus: Bus, wanted: Awaitable[None]) -> bool:
    try:
        await wanted
    except UnavailableError:
        return False
    return bus.is_connected


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_a_role_says_what_it_must_and_nothing_else(stand: Stand, user: User) -> None:
    end = f"done/{user.name}"
    async with Bus(stand.owner, client_id=f"witness-{user.name}", subscriptions={"#": 1}) as witness:
        async with asyncio.timeout(PATIENCE_S):
            for topic in TOPICS:
                await _try_to_say(stand.address(user), topic)
        await witness.publish(end, b"")
        received = await _received_topics(witness, end)
    assert received & set(TOPICS) == {topic for topic in TOPICS if _may_publish(user, topic)}


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_a_role_hears_what_it_must_and_nothing_else(stand: Stand, user: User) -> None:
    rights = rights_of(user)
    async with stand.bus(user) as bus, Bus(stand.owner, client_id=f"speaker-{user.name}") as owner:
        async with asyncio.timeout(PATIENCE_S):
            for topic_filter in rights.reads:
                await bus.subscribe(topic_filter)  # refused here: the role cannot do what it must
            for topic in TOPICS:
                await _granted(bus, bus.subscribe(topic))
            await _granted(bus, bus.subscribe("#"))
            await _granted(bus, bus.subscribe("crampwatch/v1/+/+"))
        expected = {topic for topic in TOPICS if _may_receive(user, topic)}
        for topic in TOPICS:
            await owner.publish(topic, b"for those who may hear it")
        assert await _all_that_comes(bus, expected) == expected


async def _all_that_comes(bus: Bus, expected: set[str]) -> set[str]:
    """Take messages until those expected are there, and a moment more for those that are not."""
    topics: set[str] = set()
    while True:
        try:
            async with asyncio.timeout(PATIENCE_S if topics < expected else 0.2):
                message = await bus.receive()
        except TimeoutError:
            return topics
        message.ack()
        topics.add(message.topic)


async def test_taking_over_the_name_of_another_client_gives_none_of_its_rights(stand: Stand) -> None:
    store, guest = USERS[2], next(user for user in USERS if user.role == "homeassistant")
    topic = "crampwatch/v1/CW-LEFT/samples"
    assert store.role == "store"
    async with Bus(
        stand.address(store), client_id="kept", persistent=True, subscriptions={"crampwatch/v1/+/samples": 1}
    ):
        pass
    async with Bus(stand.owner, client_id="speaker") as owner:
        await owner.publish(topic, b"for the store")
        async with Bus(stand.address(guest), client_id="kept", persistent=True) as thief:
            await owner.publish(topic, b"for the store")
            assert topic not in await _all_that_comes(thief, set())


@pytest.mark.parametrize("password", ["", "guess"])
async def test_nobody_gets_in_without_the_right_password(stand: Stand, password: str) -> None:
    address = replace(stand.address(USERS[0]), password=password)
    with pytest.raises(UnavailableError, match="refuses the login"):
        async with Bus(address, client_id="stranger", first_timeout_s=PATIENCE_S):
            pass


async def test_stages_of_one_data_folder_log_in_with_a_role_each(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path) as broker:
        detector = saved_address(tmp_path, role="detector")
        assert detector is not None
        assert (detector.user, detector.port) == ("crampwatch-detector", broker.address.port)
        assert detector.password != broker.address.password
        async with Bus(detector, client_id="d") as bus:
            await bus.subscribe("crampwatch/v1/+/samples")
            with pytest.raises(UnavailableError, match="refuses a subscription"):
                await bus.subscribe("crampwatch/v1/+/journal")
