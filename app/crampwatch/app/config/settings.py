"""All settings in one table, from which flags, environment variables, settings file and documentation are made.

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
    "LARGEST_NUMBER",
    "LEAST_NUMBER",
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

LEAST_NUMBER: Final = 0
LARGEST_NUMBER: Final = 65_535
"""Limits of every whole number among the settings: those of a TCP port, which most of them are."""
_APP_NAME: Final = "crampwatch"
_USER_DATA: Final = user_data_path(_APP_NAME, appauthor=False)


def _setting(default: Any, text: str, *, flag: str = "", metavar: str = "", secret: bool = False) -> Any:
    """Declare a setting: a dataclass field with its documentation, flag (derived from its key if empty) and metavar."""
    return field(default=default, metadata={"text": text, "flag": flag, "metavar": metavar, "secret": secret})


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Logging."""

    level: Literal["debug", "info", "warning", "error"] = _setting("info", "Minimum log level.")
    format: Literal["text", "json"] = _setting("text", "Log as text, or as one JSON object per line.")
    max_mb: int = _setting(5, "Rotate logs at this size (3 kept).", metavar="MB")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The MQTT broker between the stages."""

    url: str = _setting(
        "",
        "Your own MQTT broker, such as mqtt://user:password@192.168.1.5:1883 (mqtts:// for TLS); empty for the "
        "embedded one. If it contains a password, set it by environment variable or file instead.",
        flag="--broker",
        metavar="URL",
    )
    password: str = _setting("", "Password for the broker, if its address has none.", secret=True)
    ca: str = _setting(
        "",
        "CA certificate(s) used to verify the broker at mqtts:// (PEM); empty for those of the system.",
        metavar="FILE",
    )
    port: int = _setting(0, "Port of the embedded broker; 0 for a free one.", metavar="PORT")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where `crampwatch broker` listens and who may log in. The broker of `wear` ignores this: it is private."""

    host: str = _setting(
        "127.0.0.1", "Address on which `crampwatch broker` listens; 0.0.0.0 for all networks.", metavar="ADDRESS"
    )
    users: str = _setting(
        "",
        "Users of `crampwatch broker` besides its own stages; `crampwatch init-stack` writes this file.",
        metavar="FILE",
    )
    certificate: str = _setting(
        "", "Certificate (PEM) of `crampwatch broker`; with it, only TLS connections are accepted.", metavar="FILE"
    )
    key: str = _setting("", "Private key (PEM) of that certificate.", metavar="FILE")


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Which sensors to record, over which radio."""

    adapter: str = _setting(
        "",
        "Bluetooth adapter: empty for the system's default, a name such as hci1, or bumble:<transport> for a dongle "
        "that the system does not use, such as bumble:usb:0.",
        flag="--adapter",
        metavar="ADAPTER",
    )
    sensors: tuple[str, ...] = _setting(
        (),
        "Name or address of a sensor to record (repeatable); without any, all sensors found.",
        flag="--sensor",
        metavar="NAME",
    )
    placements: tuple[str, ...] = _setting(
        (),
        "Where a sensor is worn (repeatable), such as CW-1A2B=left:abductor hallucis; the muscle is optional.",
        flag="--placement",
        metavar="NAME=SIDE:MUSCLE",
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Database of features, temperatures and episodes."""

    url: str = _setting(
        "",
        "Database: sqlite:///path/to/file, or http://127.0.0.1:8086 for InfluxDB; empty for SQLite in the data folder.",
        flag="--store",
        metavar="URL",
    )
    token: str = _setting("", "Token for InfluxDB.", secret=True)
    org: str = _setting("crampwatch", "Organisation in InfluxDB 2.", metavar="NAME")
    bucket: str = _setting("crampwatch", "Bucket in InfluxDB 2; database in InfluxDB 1 and 3.", metavar="NAME")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The live page."""

    host: str = _setting(
        "127.0.0.1",
        "Address on which the page listens; 0.0.0.0 for all networks, where visitors log in with a secret.",
        metavar="ADDRESS",
    )
    port: int = _setting(
        0, "Port of the page; 0 for 8042, or a free one if that is in use.", flag="--port", metavar="PORT"
    )
    token: str = _setting(
        "",
        "Secret with which visitors from other machines log in, at least 16 characters; empty for a generated one, "
        "saved in secrets.toml in the data folder.",
        secret=True,
    )
    certificate: str = _setting(
        "",
        "TLS certificate (PEM) to serve the page by https, which phones require to keep the screen on.",
        metavar="FILE",
    )
    key: str = _setting("", "Private key (PEM) of that certificate; empty if it is in the same file.", metavar="FILE")
    allowed_hosts: tuple[str, ...] = _setting(
        (), "Additional host name by which the page may be opened (repeatable).", metavar="NAME"
    )
    browser: bool = _setting(True, "Open the page in a browser when it is ready.", flag="--browser")


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Home Assistant."""

    tell: bool = _setting(
        False,
        "Publish to Home Assistant from `wear`, `demo` and `replay`; it must use the same broker (--broker).",
        flag="--home-assistant",
    )


@dataclass(frozen=True, slots=True)
class OpsSettings:
    """Health and metrics of a service."""

    host: str = _setting("127.0.0.1", "Address on which /healthz and /metrics are served.", metavar="ADDRESS")
    port: int = _setting(
        0,
        "Port of /healthz and /metrics; 0 for none. With `wear`, `demo` and `replay` it is that of the broker; "
        "collector, detector, store, page and `home` use the following ones.",
        metavar="PORT",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, resolved; the defaults are for one person on one machine."""

    data: Path = _setting(  # noqa: RUF009 - a Path cannot change; the linter does not know that
        _USER_DATA, "Data folder (recordings, database, logs).", metavar="FOLDER"
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
        key: ``group.name``, as in messages and in the settings file.
        kind: ``str``, ``int``, ``bool``, ``Path`` or ``tuple`` (of texts).
        choices: Permitted values; empty where every value of the kind is permitted.
        default: Used where no source gives a value.
        text: Help and documentation.
        flag: On the command line.
        metavar: Placeholder for the value in help.
        secret: Whether the value is masked wherever it is shown, and has no flag.
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
    """Return the path of the settings file that is read where the user names none."""
    return user_config_path(_APP_NAME, appauthor=False) / "config.toml"


def _settings_of(owner: type, prefix: str = "") -> tuple[Setting, ...]:
    hints = get_type_hints(owner)
    rows: list[Setting] = []
    for one in dataclasses.fields(owner):
        if dataclasses.is_dataclass(hints[one.name]):
            rows += _settings_of(hints[one.name], f"{one.name}.")
        else:
            rows.append(_setting_row(f"{prefix}{one.name}", hints[one.name], one))
    return tuple(rows)


def _setting_row(key: str, hint: Any, one: "dataclasses.Field[Any]") -> Setting:
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kind: type = str if choices else get_origin(hint) or hint
    about: types.MappingProxyType[Any, Any] = one.metadata
    flag = about["flag"] or "--" + key.replace(".", "-").replace("_", "-")
    return Setting(key, kind, choices, one.default, about["text"], flag, about["metavar"], about["secret"])


SETTINGS: Final = _settings_of(Settings)
"""All settings, in the order of the structure."""

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


def setting_of(key: str) -> Setting:
    """Return a setting by its dotted key."""
    return _BY_KEY[key]
