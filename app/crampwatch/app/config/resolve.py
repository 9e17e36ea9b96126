"""Settings from flags, environment, file and defaults, in this order, each with where it came from."""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from crampwatch.app.config.settings import SETTINGS, Setting, Settings, default_config_path, setting_of
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["CONFIG_VARIABLE", "OTHER_VARIABLES", "Resolved", "environment_of", "read_file", "resolve", "shown"]

CONFIG_VARIABLE: Final = "CRAMPWATCH_CONFIG"
OTHER_VARIABLES: Final = frozenset({CONFIG_VARIABLE, "CRAMPWATCH_REQUIRE_LANES", "CRAMPWATCH_SUPERVISED"})
"""Variables that are ours and no setting: the settings file, the test lanes, the mark of a supervised stage."""

_PREFIX: Final = "CRAMPWATCH_"
_TEST_PREFIX: Final = "CRAMPWATCH_TEST_"
_FILE_SUFFIX: Final = "_FILE"
"""A secret's variable with this ending names a file that holds it."""
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings and where each came from.

    Attributes:
        settings: The values.
        sources: By dotted key: ``default``, or a flag, variable or file in words.
    """

    settings: Settings
    sources: Mapping[str, str]

    def value(self, key: str) -> Any:
        """Return a value by its dotted key."""
        return _value(self.settings, key)


def resolve(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Resolved:
    """Merge the sources; the first that names a value wins.

    Args:
        flags: Values given on the command line, by dotted key.
        environ: Environment; None for this process's own.
        config: Settings file named by the user; None for the one at its usual place, which may be absent.

    Raises:
        ConfigurationError: An unknown key, or a value that is none of those allowed.
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
        values[setting.key], sources[setting.key] = _checked(setting, *found), found[1]
    return Resolved(_build(values), sources)


def read_file(path: Path) -> dict[str, Any]:
    """Read a settings file into values by dotted key.

    Raises:
        ConfigurationError: It cannot be read, is no TOML, or holds an unknown key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror or error}.", advice="Check its path and rights."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The settings file {path} is no TOML: {error}.", advice="Correct that line."
        ) from error
    keys = dict(_flatten(document))
    for key in keys:
        _known(key, [setting.key for setting in SETTINGS], f"The settings file {path} sets {key!r}")
    return keys


def environment_of(settings: Settings) -> dict[str, str]:
    """Return all settings as environment variables, so that a child process sees what its parent resolved."""
    return {setting.env: _text(_value(settings, setting.key)) for setting in SETTINGS}


def shown(setting: Setting, value: Any) -> Any:
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
            found[setting.key] = (_secret_in(Path(text), name), f"file {text} (environment {name})")
            continue
        _known(name, by_name, f"The environment sets {name}")
        found[by_name[name].key] = (_parsed(by_name[name], text), f"environment {name}")
    return found


def _secret_in(path: Path, name: str) -> str:
    """Read a secret that a file holds alone, as Docker and systemd hand them over."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The secret named by {name} cannot be read from {path}: {error}.",
            advice="Check the file and its permissions; `crampwatch init-stack` makes those of docker-compose.yml.",
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


def _known(name: str, names: Iterable[str], met: str) -> None:
    names = list(names)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    raise ConfigurationError(
        f"{met}, which is no setting.", advice=f"Did you mean {near[0]}? `crampwatch config` lists all settings."
    )


def _parsed(setting: Setting, text: str) -> Any:
    """Read a value from the environment, where all is text; what cannot be read is refused when checked."""
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


def _checked(setting: Setting, value: Any, source: str) -> Any:
    """Return the value in its own type.

    Raises:
        ConfigurationError: It has another type or is none of the choices.
    """
    met = f"{setting.key} is {shown(setting, value)!r} (from {source})"
    if setting.kind is Path and isinstance(value, str) and not value:
        raise ConfigurationError(f"{met}; a folder is expected.", advice=f"Name one by {setting.flag}.")
    accepted = _ACCEPTED.get(setting.kind, (setting.kind,))
    if not isinstance(value, accepted) or (setting.kind is int and isinstance(value, bool)):
        kinds = {
            int: "a whole number",
            bool: "true or false",
            tuple: "a list of texts",
            str: "a text",
            Path: "a folder",
        }
        raise ConfigurationError(f"{met}; {kinds[setting.kind]} is expected.", advice="Correct it there.")
    if setting.choices and value not in setting.choices:
        raise ConfigurationError(f"{met}; it can be {', '.join(setting.choices)}.", advice="Correct it there.")
    if isinstance(value, int) and not 0 <= value <= 65_535:
        raise ConfigurationError(f"{met}; it can be 0 to 65535.", advice="Correct it there.")
    return _CONVERT.get(setting.kind, lambda same: same)(value)


def _build(values: Mapping[str, Any]) -> Settings:
    groups: dict[str, dict[str, Any]] = {}
    for setting in SETTINGS:
        groups.setdefault(setting.group, {})[setting.name] = values[setting.key]
    top = groups.pop("")
    types = {one.name: type(getattr(Settings(), one.name)) for one in dataclasses.fields(Settings)}
    return Settings(**top, **{name: types[name](**fields) for name, fields in groups.items()})


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)
