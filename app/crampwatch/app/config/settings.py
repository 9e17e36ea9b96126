"""What can be set, in one place: flags, environment variables, the settings file and the documentation follow from it.

A setting ``group.name`` is the flag ``--group-name`` (or a shorter one), the variable ``CRAMPWATCH_GROUP_NAME`` and the
key ``name`` of the table ``[group]`` in the settings file.
"""

import dataclasses
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from platformdirs import user_config_path, user_data_path

__all__ = [
    "SETTINGS",
    "BrokerSettings",
    "CollectorSettings",
    "HomeSettings",
    "LogSettings",
    "OpsSettings",
    "ServerSettings",
    "Setting",
    "Settings",
    "StoreSettings",
    "WebSettings",
    "default_config_path",
    "setting_of",
]

_APP_NAME: Final = "crampwatch"
_USER_DATA: Final = user_data_path(_APP_NAME, appauthor=False)


def _setting(default: Any, text: str, *, flag: str = "", metavar: str = "", secret: bool = False) -> Any:
    """Declare a setting: a dataclass field that carries its own documentation."""
    return field(default=default, metadata={"text": text, "flag": flag, "metavar": metavar, "secret": secret})


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least severe line that is logged.")
    format: Literal["text", "json"] = _setting("text", "Log lines for people, or one JSON object a line.")
    max_mb: int = _setting(5, "Size at which a log file is put aside; three old ones are kept.", metavar="MB")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The MQTT broker between the stages."""

    url: str = _setting(
        "",
        "An MQTT broker of your own, such as mqtt://user:password@192.168.1.5:1883 (mqtts:// for TLS); empty for the "
        "embedded one. With a password, better set by environment or file.",
        flag="--broker",
        metavar="URL",
    )
    password: str = _setting("", "Password for the broker, where its address has none.", secret=True)
    ca: str = _setting(
        "",
        "Certificates (PEM) that may vouch for a broker at mqtts://; empty for those the system trusts.",
        metavar="FILE",
    )
    port: int = _setting(0, "Port of the embedded broker on this machine; 0 chooses a free one.", metavar="PORT")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where `crampwatch broker` listens, and whom it lets in; not for the broker of `wear`, which is private."""

    host: str = _setting(
        "127.0.0.1", "Address `crampwatch broker` listens on; 0.0.0.0 lets other machines in.", metavar="ADDRESS"
    )
    users: str = _setting(
        "",
        "Users `crampwatch broker` lets in, beside its own stages; `crampwatch init-stack` writes it.",
        metavar="FILE",
    )
    certificate: str = _setting(
        "", "Certificate (PEM) of `crampwatch broker`; it then speaks TLS only.", metavar="FILE"
    )
    key: str = _setting("", "Key (PEM) of that certificate.", metavar="FILE")


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Which sensors are recorded, and over which radio."""

    adapter: str = _setting(
        "",
        "Bluetooth adapter: empty for the system's own, a name such as hci1, or bumble:<transport> for a dongle that "
        "the system does not use, such as bumble:usb:0.",
        flag="--adapter",
        metavar="ADAPTER",
    )
    sensors: tuple[str, ...] = _setting(
        (), "Names or addresses of the sensors to record; none given: all found.", flag="--sensor", metavar="NAME"
    )
    placements: tuple[str, ...] = _setting(
        (),
        "Where sensors are worn, such as CW-1A2B=left:abductor hallucis; the muscle may be left out.",
        flag="--placement",
        metavar="NAME=SIDE:MUSCLE",
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where features, temperatures and episodes are kept."""

    url: str = _setting(
        "",
        "Address of the store: sqlite:///path/to/file, or http://127.0.0.1:8086 for InfluxDB; empty for SQLite in the "
        "data folder.",
        flag="--store",
        metavar="URL",
    )
    token: str = _setting("", "Token for InfluxDB; set by environment or file.", secret=True)
    org: str = _setting("crampwatch", "Organisation in InfluxDB 2.", metavar="NAME")
    bucket: str = _setting("crampwatch", "Bucket in InfluxDB 2, database in 1 and 3.", metavar="NAME")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The live page."""

    host: str = _setting(
        "127.0.0.1",
        "Address the page listens on; on any other than this machine's own, visitors log in with a secret.",
        metavar="ADDRESS",
    )
    port: int = _setting(
        0, "Port of the page; 0 takes 8042, or a free one where that is in use.", flag="--port", metavar="PORT"
    )
    token: str = _setting(
        "",
        "What visitors log in with where other machines may open the page, at least 16 characters; empty for one that "
        "is made once and kept in secrets.toml in the data folder.",
        secret=True,
    )
    certificate: str = _setting(
        "",
        "PEM file of a TLS certificate: the page is then served by https, which phones ask for to keep the screen on.",
        metavar="FILE",
    )
    key: str = _setting("", "PEM file of the certificate's key; empty where it is in the same file.", metavar="FILE")
    allowed_hosts: tuple[str, ...] = _setting((), "Further host names the page may be opened by.", metavar="NAME")
    browser: bool = _setting(True, "Open the page in a browser when it is ready.", flag="--browser")


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Home Assistant."""

    tell: bool = _setting(
        False,
        "Let `wear`, `demo` and `replay` tell Home Assistant, which has to use the same broker (--broker).",
        flag="--home-assistant",
    )


@dataclass(frozen=True, slots=True)
class OpsSettings:
    """What a service tells of itself, for monitoring."""

    host: str = _setting("127.0.0.1", "Address of /healthz and /metrics.", metavar="ADDRESS")
    port: int = _setting(
        0,
        "Port of /healthz and /metrics; 0 for none. With `wear`, `demo` and `replay` the broker has this one, and "
        "collector, detector, store, page and `home` the following.",
        metavar="PORT",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, resolved; the defaults are for one person on one machine."""

    data: Path = _setting(  # noqa: RUF009 -- a frozen field; the linter takes only its own list of types for such
        _USER_DATA, "Folder for recordings and all else that is kept.", metavar="FOLDER"
    )
    log: LogSettings = field(default_factory=LogSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    collector: CollectorSettings = field(default_factory=CollectorSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    web: WebSettings = field(default_factory=WebSettings)
    home: HomeSettings = field(default_factory=HomeSettings)
    ops: OpsSettings = field(default_factory=OpsSettings)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings.

    Attributes:
        key: Dotted, as in messages and in the settings file.
        kind: ``str``, ``int``, ``bool``, ``Path`` or ``tuple`` (of texts).
        choices: All values allowed; none where any value of the kind is.
        default: Value where nobody says otherwise.
        text: What it does, for help and documentation.
        flag: On the command line.
        metavar: Placeholder for the value in help.
        secret: Never shown.
    """

    key: str
    kind: type
    choices: tuple[str, ...]
    default: Any
    text: str
    flag: str
    metavar: str
    secret: bool

    @property
    def env(self) -> str:
        """Name of the environment variable."""
        return f"CRAMPWATCH_{self.key.replace('.', '_').upper()}"

    @property
    def group(self) -> str:
        """Table of the settings file; empty at its top."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Key within the table."""
        return self.key.rpartition(".")[2]


def default_config_path() -> Path:
    """Return where the settings file is looked for."""
    return user_config_path(_APP_NAME, appauthor=False) / "config.toml"


def _table(owner: type, prefix: str = "") -> tuple[Setting, ...]:
    hints = get_type_hints(owner)
    rows: list[Setting] = []
    for one in dataclasses.fields(owner):
        if dataclasses.is_dataclass(hints[one.name]):
            rows += _table(hints[one.name], f"{one.name}.")
        else:
            rows.append(_row(f"{prefix}{one.name}", hints[one.name], one))
    return tuple(rows)


def _row(key: str, hint: Any, one: "dataclasses.Field[Any]") -> Setting:
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kind: type = str if choices else get_origin(hint) or hint
    about: types.MappingProxyType[Any, Any] = one.metadata
    flag = about["flag"] or "--" + key.replace(".", "-").replace("_", "-")
    return Setting(key, kind, choices, one.default, about["text"], flag, about["metavar"], about["secret"])


SETTINGS: Final = _table(Settings)
"""Every setting there is, in the order of the structure."""

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


def setting_of(key: str) -> Setting:
    """Return a setting by its dotted key."""
    return _BY_KEY[key]
