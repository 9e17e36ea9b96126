"""Resolves settings: flags override environment variables, which override the settings file, then the defaults."""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from crampwatch.app.config.settings import (
    LARGEST_NUMBER,
    LEAST_NUMBER,
    SETTINGS,
    Setting,
    Settings,
    default_config_path,
    setting_of,
)
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["CONFIG_VARIABLE", "OTHER_VARIABLES", "Resolved", "display_value", "environment_of", "read_file", "resolve"]

CONFIG_VARIABLE: Final = "CRAMPWATCH_CONFIG"
OTHER_VARIABLES: Final = frozenset({CONFIG_VARIABLE, "CRAMPWATCH_REQUIRE_LANES", "CRAMPWATCH_SUPERVISED"})
"""Our variables that are not settings: the settings file, the test lanes, the mark of a supervised stage."""

_PREFIX: Final = "CRAMPWATCH_"
_TEST_PREFIX: Final = "CRAMPWATCH_TEST_"
_FILE_SUFFIX: Final = "_FILE"
"""Appended to the variable of a secret: it then names a file that holds the secret."""
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings and their sources.

    Attributes:
        settings: The values.
        sources: By key: ``default``, or the name of a flag, variable or file.
    """

    settings: Settings
    sources: Mapping[str, str]

    def value(self, key: str) -> Any:
        """Return a value by its key."""
        return _value_of(self.settings, key)


def resolve(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Resolved:
    """Merge the sources and check every value.

    Args:
        flags: Values given on the command line, by key.
        environ: None for the environment of this process.
        config: Settings file named by the user; None for the default one, which need not exist.

    Raises:
        ConfigurationError: A key is unknown or a value is not permitted.
    """
    environ = os.environ if environ is None else environ
    path = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    layers = [
        {key: (value, f"flag {setting_of(key).flag}") for key, value in (flags or {}).items()},
        _from_environment(environ),
        _from_file(path),
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        found = next((layer[setting.key] for layer in layers if setting.key in layer), (setting.default, "default"))
        values[setting.key], sources[setting.key] = _check_value(setting, *found), found[1]
    return Resolved(_build(values), sources)


def read_file(path: Path) -> dict[str, Any]:
    """Return the values of a settings file by key.

    Raises:
        ConfigurationError: The file cannot be read, is not TOML, or holds an unknown key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror or error}.",
            advice="Check its path and permissions.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The settings file {path} is not valid TOML: {error}.", advice="Correct that line."
        ) from error
    keys = dict(_flatten(document))
    for key in keys:
        _check_known(key, [setting.key for setting in SETTINGS], f"The settings file {path} sets {key!r}")
    return keys


def environment_of(settings: Settings) -> dict[str, str]:
    """Return all settings as environment variables, so that a child process sees what its parent resolved."""
    return {setting.env: _env_text(_value_of(settings, setting.key)) for setting in SETTINGS}


def display_value(setting: Setting, value: Any) -> Any:
    """Return a value as it may be shown: secrets, and passwords within addresses, are masked."""
    if setting.secret:
        return "********" if value else ""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and "@" in value and "://" in value:
        return _masked_url(value)
    return list(value) if isinstance(value, tuple) else value


def _masked_url(url: str) -> str:
    parts = urlsplit(url)
    user, colon, _password = parts.netloc.rpartition("@")[0].partition(":")
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}{':********' if colon else ''}@{place}").geturl()


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    by_name = {setting.env: setting for setting in SETTINGS}
    found: dict[str, tuple[Any, str]] = {}
    for name, text in environ.items():
        if not name.startswith(_PREFIX) or name.startswith(_TEST_PREFIX) or name in OTHER_VARIABLES:
            continue
        setting = by_name.get(name.removesuffix(_FILE_SUFFIX))
        if name.endswith(_FILE_SUFFIX) and setting is not None and setting.secret:
            found[setting.key] = (_read_secret(Path(text), name), f"file {text} (environment {name})")
            continue
        _check_known(name, by_name, f"The environment sets {name}")
        found[by_name[name].key] = (_parse_text(by_name[name], text), f"environment {name}")
    return found


def _read_secret(path: Path, name: str) -> str:
    """Return the content of a file that holds one secret, as Docker and systemd provide them."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The secret file {path}, named by {name}, cannot be read: {error}.",
            advice="Check the file and its permissions; `crampwatch init-stack` creates those of docker-compose.yml.",
        ) from error


def _from_file(path: Path | None) -> dict[str, tuple[Any, str]]:
    if path is None:
        path = default_config_path()
        if not path.exists():
            return {}
    return {key: (value, f"file {path}") for key, value in read_file(path).items()}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _check_known(name: str, names: Iterable[str], subject: str) -> None:
    names = list(names)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    raise ConfigurationError(
        f"{subject}, which is not a setting.", advice=f"Did you mean {near[0]}? `crampwatch config` lists all settings."
    )


def _parse_text(setting: Setting, text: str) -> Any:
    """Return the value of a variable in the setting's type; unchanged where that fails, to be refused by the check."""
    if setting.kind is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if setting.kind is int and text.strip().lstrip("+-").isdecimal():
        return int(text)
    if setting.kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


_ACCEPTED: Final[dict[type, tuple[type, ...]]] = {Path: (str, Path), tuple: (list, tuple)}
_KIND_NAMES: Final[dict[type, str]] = {
    int: "a whole number",
    bool: "true or false",
    tuple: "a list of texts",
    str: "a text",
    Path: "a folder",
}
_CONVERT: Final[dict[type, Callable[[Any], Any]]] = {Path: lambda value: Path(value).expanduser(), tuple: tuple}


def _check_value(setting: Setting, value: Any, source: str) -> Any:
    """Return the value in the setting's type.

    Raises:
        ConfigurationError: The value has another type, or is not permitted.
    """
    given = f"{setting.key} is {display_value(setting, value)!r} (from {source})"
    if setting.kind is Path and isinstance(value, str) and not value:
        raise ConfigurationError(f"{given}; expected a folder.", advice=f"Name one by {setting.flag}.")
    accepted = _ACCEPTED.get(setting.kind, (setting.kind,))
    if not isinstance(value, accepted) or (setting.kind is int and isinstance(value, bool)):
        raise ConfigurationError(f"{given}; expected {_KIND_NAMES[setting.kind]}.", advice="Correct it there.")
    if setting.choices and value not in setting.choices:
        raise ConfigurationError(f"{given}; expected one of {', '.join(setting.choices)}.", advice="Correct it there.")
    if isinstance(value, int) and not LEAST_NUMBER <= value <= LARGEST_NUMBER:
        raise ConfigurationError(
            f"{given}; expected a whole number from {LEAST_NUMBER} to {LARGEST_NUMBER}.", advice="Correct it there."
        )
    return _CONVERT.get(setting.kind, lambda same: same)(value)


def _build(values: Mapping[str, Any]) -> Settings:
    groups: dict[str, dict[str, Any]] = {}
    for setting in SETTINGS:
        groups.setdefault(setting.group, {})[setting.name] = values[setting.key]
    top = groups.pop("")
    types = {one.name: type(getattr(Settings(), one.name)) for one in dataclasses.fields(Settings)}
    return Settings(**top, **{name: types[name](**fields) for name, fields in groups.items()})


def _value_of(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _env_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)
