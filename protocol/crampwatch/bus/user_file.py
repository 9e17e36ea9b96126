"""Additional users of the broker as a TOML file with one table per user, readable by its owner only."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from crampwatch.bus.roles import User
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["format_user_file", "load_users"]

_MIN_PASSWORD_LENGTH: Final = 16
"""Brokers can be attacked from the network without a limit on attempts."""
_ADVICE: Final = "`crampwatch init-stack` writes it; each user has a table with role, password and optionally sensors."


def format_user_file(users: Iterable[User]) -> str:
    """Return the file's content."""
    return "# Written by crampwatch init-stack: who may log in to the broker.\n" + "".join(map(_table, users))


def load_users(path: Path) -> tuple[User, ...]:
    """Read the file.

    Raises:
        ConfigurationError: It cannot be read, or has invalid content.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        return tuple(_user(name, table) for name, table in tables.items())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"The broker's users cannot be read from {path}: {error!r}.", advice=_ADVICE
        ) from error


def _table(user: User) -> str:
    sensors = f"sensors = {json.dumps(user.sensors)}\n" if user.sensors else ""
    return f"\n[{user.name}]\nrole = {json.dumps(user.role)}\npassword = {json.dumps(user.password)}\n{sensors}"


def _user(name: str, table: dict[str, object]) -> User:
    sensors = table.get("sensors", [])
    if not isinstance(sensors, list):
        raise TypeError(f"sensors of {name} is not a list")
    password = str(table["password"])
    if len(password) < _MIN_PASSWORD_LENGTH:
        raise ConfigurationError(
            f"The password of the broker's user {name!r} has {len(password)} characters.",
            advice="Use at least 16.",
        )
    return User(name, str(table["role"]), password, tuple(map(str, sensors)))
