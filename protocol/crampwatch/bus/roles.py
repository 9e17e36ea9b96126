"""Who may say and hear what on the broker: one table, from which every broker's rules are written.

A collector that is taken over can invent samples, but no verdict; the page can note what its wearer says, and change
nothing else; Home Assistant is told of contractions and never hears a sample. Brokers are told these rules by
:mod:`crampwatch.bus.nats_rules` and :mod:`crampwatch.bus.mosquitto_rules`. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.topics import ROOT, Leaf, service_topic

__all__ = ["HOME_ROOT", "ROLES", "Rights", "Role", "User", "rights_of"]

HOME_ROOT: Final = "crampwatch/home"
"""What Home Assistant is told: one retained topic a sensor, with nothing of the signal in it."""
_ANY_SENSOR: Final = "+"
_SERVICES: Final = ("collector", "detector", "store", "web", "home")
_ALL: Final = tuple(Leaf)


@dataclass(frozen=True, slots=True)
class Role:
    """What a kind of client needs.

    Attributes:
        purpose: For people.
        publishes: Leaves it publishes, of the sensors it is for.
        reads: Leaves it reads, of the sensors it is for, and of services.
        service: Its name as a service: it says its own status, and notices about itself.
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
            "says what sensors send, and hears nothing",
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
            "hears samples, says what they mean",
            publishes=(Leaf.FEATURES, Leaf.STATE, Leaf.EPISODE, Leaf.NOTICE),
            reads=(Leaf.INFO, Leaf.SAMPLES, Leaf.TEMPERATURE),
            service="detector",
        ),
        "store": Role("keeps all that is said", reads=_ALL, service="store"),
        "web": Role("shows all, says what the wearer notes", publishes=(Leaf.JOURNAL,), reads=_ALL, service="web"),
        "finaliser": Role("says the verdict on a session that has ended", publishes=(Leaf.EPISODE,)),
        "home": Role(
            "tells Home Assistant, from everything but the signal",
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
        "reader": Role("hears all, says nothing: `crampwatch doctor`, and programs of your own", reads=_ALL),
    }
)
"""The permission matrix. A test proves every cell of it against the embedded NATS server and against Mosquitto."""


@dataclass(frozen=True, slots=True)
class User:
    """A login.

    Attributes:
        name: Of the user.
        role: Key of `ROLES`.
        password: Its secret.
        sensors: Ids of the only sensors it may speak and hear of; none given: of any.
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
    """What a user may do, as MQTT topic filters.

    Attributes:
        publishes: May be published to.
        never_publishes: Exceptions from `says`.
        reads: May be read.
    """

    publishes: tuple[str, ...]
    never_publishes: tuple[str, ...]
    reads: tuple[str, ...]


def rights_of(user: User) -> Rights:
    """Return what a user may do.

    >>> rights_of(User("bedside", "collector", "x", ("CW-1A2B",))).says[1]
    'crampwatch/v1/CW-1A2B/info'
    """
    role = ROLES[user.role]
    sensors = user.sensors or (_ANY_SENSOR,)
    says = [*_filters(sensors, role.publishes), *_own(role), *role.also_publishes]
    # Services are heard by all who hear of any sensor: their status is no secret, and a page has to show it.
    services = () if _ANY_SENSOR in sensors else tuple(service_topic(name).sensor for name in _SERVICES)
    hears = [*_filters(sensors, role.reads), *role.also_reads]
    if Leaf.STATUS in role.reads:
        hears += _filters(services, (Leaf.STATUS, Leaf.NOTICE))
    return Rights(tuple(says), _others(role, sensors), tuple(hears))


def _filters(places: Iterable[str], leaves: Iterable[Leaf]) -> list[str]:
    return [f"{ROOT}/{place}/{leaf}" for place in places for leaf in leaves]


def _own(role: Role) -> list[str]:
    if not role.service:
        return []
    own = [Leaf.STATUS, Leaf.NOTICE] + ([Leaf.JOURNAL] if Leaf.JOURNAL in role.publishes else [])
    return _filters([service_topic(role.service).sensor], own)


def _others(role: Role, sensors: Iterable[str]) -> tuple[str, ...]:
    """Return the services that "any sensor" would let a client declare present or absent.

    Mosquitto's rules forbid a topic in both directions only, so that this is for roles that hear nothing; what else a
    role might say of a service, such as an episode, nobody takes for a sensor's.
    """
    if Leaf.STATUS not in role.publishes or _ANY_SENSOR not in sensors:
        return ()
    assert not role.reads
    return tuple(f"{ROOT}/{service_topic(name).sensor}/#" for name in _SERVICES if name != role.service)
