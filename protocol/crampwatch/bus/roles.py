"""Who may publish and read what on the broker: one table, from which the rules of every broker are generated.

Each stage gets the rights it needs and no more. So a collector that was taken over can invent samples but no episode;
the page can publish the wearer's notes and nothing else; Home Assistant learns about contractions but never sees a
sample. :mod:`crampwatch.bus.nats_rules` and :mod:`crampwatch.bus.mosquitto_rules` format the rules for the brokers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.topics import ROOT, Leaf, service_topic

__all__ = ["HOME_ROOT", "ROLES", "Rights", "Role", "User", "rights_of"]

HOME_ROOT: Final = "crampwatch/home"
"""State for Home Assistant: one retained topic per sensor, which contains no signal data."""
_ANY_SENSOR: Final = "+"
_SERVICES: Final = ("collector", "detector", "store", "web", "home")
_ALL: Final = tuple(Leaf)


@dataclass(frozen=True, slots=True)
class Role:
    """Rights of a kind of client.

    Attributes:
        purpose: What the client does, for people.
        publishes: Leaves it may publish, for its sensors.
        reads: Leaves it may read, of its sensors and of services.
        service: Name of its service, for which it may publish status and notices; empty if it is none.
        also_publishes: Further topic filters.
        also_reads: Further topic filters.
    """

    purpose: str
    publishes: tuple[Leaf, ...] = ()
    reads: tuple[Leaf, ...] = ()
    service: str = ""
    also_publishes: tuple[str, ...] = ()
    also_reads: tuple[str, ...] = ()


ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "collector": Role(
            "publishes what sensors send, reads nothing",
            publishes=(
                Leaf.STATUS,
                Leaf.INFO,
                Leaf.SAMPLES,
                Leaf.TEMPERATURE,
                Leaf.BATTERY,
                Leaf.LINK,
                Leaf.NOTICE,
            ),
            service="collector",
        ),
        "detector": Role(
            "reads samples, publishes what they mean",
            publishes=(Leaf.FEATURES, Leaf.STATE, Leaf.EPISODE, Leaf.NOTICE),
            reads=(Leaf.INFO, Leaf.SAMPLES, Leaf.TEMPERATURE),
            service="detector",
        ),
        "store": Role("stores everything", reads=_ALL, service="store"),
        "web": Role(
            "shows everything, publishes the wearer's notes", publishes=(Leaf.JOURNAL,), reads=_ALL, service="web"
        ),
        "finaliser": Role("publishes the final analysis of a session", publishes=(Leaf.EPISODE,)),
        "home": Role(
            "publishes to Home Assistant, reads everything but the signal",
            reads=tuple(leaf for leaf in Leaf if leaf not in (Leaf.SAMPLES, Leaf.FEATURES, Leaf.JOURNAL)),
            service="home",
            also_publishes=("homeassistant/device/+/config", f"{HOME_ROOT}/+"),
            also_reads=("homeassistant/status",),
        ),
        "homeassistant": Role(
            "Home Assistant itself",
            also_publishes=("homeassistant/status",),
            also_reads=("homeassistant/#", f"{HOME_ROOT}/#", str(service_topic("home"))),
        ),
        "reader": Role(
            "reads everything, publishes nothing: `crampwatch doctor`, and programs of your own", reads=_ALL
        ),
    }
)
"""The permission matrix. A test checks every cell of it with the embedded NATS server and with Mosquitto."""


@dataclass(frozen=True, slots=True)
class User:
    """A login.

    Attributes:
        name: Name to log in with.
        role: Key of `ROLES`.
        password: Password to log in with.
        sensors: Ids of the sensors that its rights are for; empty for all.
    """

    name: str
    role: str
    password: str = field(repr=False)
    sensors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ConfigurationError(
                f"User {self.name!r} has the role {self.role!r}.", advice=f"Roles are {', '.join(ROLES)}."
            )


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights of a user, as MQTT topic filters.

    Attributes:
        publishes: Topics it may publish to.
        never_publishes: Exceptions from `publishes`.
        reads: Topics it may read.
    """

    publishes: tuple[str, ...]
    never_publishes: tuple[str, ...]
    reads: tuple[str, ...]


def rights_of(user: User) -> Rights:
    """Return the rights of a user.

    >>> rights_of(User("bedside", "collector", "x", ("CW-1A2B",))).says[1]
    'crampwatch/v1/CW-1A2B/info'
    """
    role = ROLES[user.role]
    sensors = user.sensors or (_ANY_SENSOR,)
    publishes = [*_filters(sensors, role.publishes), *_own_topics(role), *role.also_publishes]
    # Whoever reads any status also reads that of services: it is no secret, and a page has to show it.
    services = () if _ANY_SENSOR in sensors else tuple(service_topic(name).sensor for name in _SERVICES)
    reads = [*_filters(sensors, role.reads), *role.also_reads]
    if Leaf.STATUS in role.reads:
        reads += _filters(services, (Leaf.STATUS, Leaf.NOTICE))
    return Rights(tuple(publishes), _other_services(role, sensors), tuple(reads))


def _filters(places: Iterable[str], leaves: Iterable[Leaf]) -> list[str]:
    return [f"{ROOT}/{place}/{leaf}" for place in places for leaf in leaves]


def _own_topics(role: Role) -> list[str]:
    if not role.service:
        return []
    own = [Leaf.STATUS, Leaf.NOTICE] + ([Leaf.JOURNAL] if Leaf.JOURNAL in role.publishes else [])
    return _filters([service_topic(role.service).sensor], own)


def _other_services(role: Role, sensors: Iterable[str]) -> tuple[str, ...]:
    """Return the topics of other services, whose status a client with rights for "any sensor" could publish otherwise.

    Mosquitto can only deny a topic in both directions, so this works for roles that read nothing. Other leaves of a
    service, such as episodes, need no such exception: nobody reads them as a sensor's.
    """
    if Leaf.STATUS not in role.publishes or _ANY_SENSOR not in sensors:
        return ()
    assert not role.reads
    return tuple(f"{ROOT}/{service_topic(name).sensor}/#" for name in _SERVICES if name != role.service)
