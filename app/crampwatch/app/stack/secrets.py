"""The secrets of a stack of services: made once, each a file that only its owner may read, renewed on demand.

No password has a default, and none is in docker-compose.yml, an image, an environment or git: every service is handed
the one file it needs.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.app.stack.certificates import Certificates
from crampwatch.bus.endpoint import write_private
from crampwatch.bus.mosquitto_rules import format_access_file, format_password_file
from crampwatch.bus.roles import ROLES, User
from crampwatch.bus.user_file import format_user_file, load_users
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["PROFILES", "Stack", "StackWishes"]

PROFILES: Final = ("full", "server", "collector", "demo")
_USERS: Final = "broker-users.toml"
_ONCE: Final = ("influxdb-admin-password", "influxdb-admin-token", "grafana-admin-password")
"""Databases keep these themselves after their first start: they are renewed there, while they run."""
_DATABASE: Final = "influxdb"
"""Folder with a folder a login: the database makes the tokens, and each service is handed its own."""
_DATABASE_LOGINS: Final = ("store", "web", "finaliser", "backup", "grafana")
"""Those of :data:`crampwatch.app.stack.database_logins.LOGINS`, which takes long to import."""
_RENEWED: Final = ("web-token",)
_SECRET_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class StackWishes:
    """What is to be made.

    Attributes:
        profile: Which services `docker compose up` starts.
        names: Host names and addresses by which other machines reach the broker, for its certificate.
        bedside: Logins for collectors elsewhere: name and the only sensors each may speak for.
    """

    profile: str = "full"
    names: tuple[str, ...] = ()
    bedside: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Stack:
    """The folder of docker-compose.yml.

    Args:
        folder: Where ``secrets/`` and ``.env`` are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secrets = folder / "secrets"

    def create(self, wishes: StackWishes) -> list[Path]:
        """Make what is not there yet; return the files that were made.

        Raises:
            UnavailableError: Something cannot be written.
            ConfigurationError: A file that is there cannot be read.
        """
        try:
            self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._secrets.chmod(0o700)
            self._hand_over(self._secrets)
            backups = self._folder / "backups"
            backups.mkdir(mode=0o700, exist_ok=True)
            self._hand_over(backups)
            self._make_login_folders()
            made = [
                self._write(self._secrets / name, _new_secret()) for name in (*_ONCE, *_RENEWED) if not self._has(name)
            ]
            made += self._add_users(_bedside(wishes))
            made += self._certify(wishes.names)
            made += (
                [] if (self._folder / ".env").exists() else [self._write(self._folder / ".env", _environment(wishes))]
            )
        except OSError as error:
            raise self._unwritable(error) from error
        return made

    def rotate(self) -> list[Path]:
        """Give every user of the broker, and the page, a new secret; return the files that changed.

        Raises:
            UnavailableError: Something cannot be written.
            ConfigurationError: There is no stack yet.
        """
        self._check_there()
        users = [User(user.name, user.role, _new_secret(), user.sensors) for user in load_users(self._secrets / _USERS)]
        try:
            return [*[self._write(self._secrets / name, _new_secret()) for name in _RENEWED], *self._write_users(users)]
        except OSError as error:
            raise self._unwritable(error) from error

    def rotate_databases(self, influx_url: str, grafana_url: str) -> list[Path]:
        """Renew all passwords and tokens of InfluxDB and Grafana, which have to run; return the files that changed.

        Each is made there first, then written, then the old one is withdrawn: what fails in between can be run again.

        Raises:
            UnavailableError: A database cannot be reached or refuses, or something cannot be written.
            ConfigurationError: There is no stack yet.
        """
        self._check_there()
        try:
            self._make_login_folders()
            return [*self._rotate_influx(influx_url), self._rotate_grafana(grafana_url)]
        except OSError as error:
            raise self._unwritable(error) from error

    def _rotate_influx(self, url: str) -> list[Path]:
        from crampwatch.app.stack.database_logins import (
            InfluxAdmin,  # takes half a second that other commands need not spend
        )

        changed = []
        admin = InfluxAdmin(url, token=self._read("influxdb-admin-token"), org="crampwatch", bucket="crampwatch")
        try:
            admin.map_bucket()
            for name in _DATABASE_LOGINS:
                token = admin.grant(name)
                changed.append(self._write(self._secrets / _DATABASE / name / "token", token))
                admin.withdraw_but(name, token)
            password = _new_secret()
            admin.set_password(password)
            changed.append(self._write(self._secrets / "influxdb-admin-password", password))
            changed.append(self._write(self._secrets / "influxdb-admin-token", admin.renew_token()))
            admin.withdraw()
        finally:
            admin.close()
        return changed

    def _rotate_grafana(self, url: str) -> Path:
        from crampwatch.app.stack.database_logins import GrafanaAdmin

        password = _new_secret()
        GrafanaAdmin(url, self._read("grafana-admin-password")).set_password(password)
        return self._write(self._secrets / "grafana-admin-password", password)

    def _make_login_folders(self) -> None:
        """Make the folders that the database, which runs as we do, writes its tokens to."""
        for folder in (self._secrets / _DATABASE, *(self._secrets / _DATABASE / name for name in _DATABASE_LOGINS)):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._hand_over(folder)

    def _check_there(self) -> None:
        if not self._has(_USERS):
            raise ConfigurationError(
                f"There are no secrets in {self._secrets}.", advice="Run `crampwatch init-stack` first."
            )

    def _read(self, name: str) -> str:
        return (self._secrets / name).read_text("ascii").strip()

    def _add_users(self, wanted: Sequence[User]) -> list[Path]:
        present = load_users(self._secrets / _USERS) if self._has(_USERS) else ()
        names = {user.name for user in present}
        added = [user for user in wanted if user.name not in names]
        return self._write_users([*present, *added]) if added else []

    def _write_users(self, users: Sequence[User]) -> list[Path]:
        """Write the passwords first: a broker that is told of them finds services that know them."""
        files = {f"broker-{user.name}": user.password for user in users}
        files |= {
            _USERS: format_user_file(users),
            "mosquitto-access": format_access_file(users),
            "mosquitto-passwords": format_password_file(users),
        }
        return [self._write(self._secrets / name, text) for name, text in files.items()]

    def _certify(self, names: tuple[str, ...]) -> list[Path]:
        """Make the broker's certificate, or another when other names are asked for."""
        if self._has("broker.crt") and not names:
            return []
        made = Certificates.for_names(("localhost", "127.0.0.1", "broker", *names))
        files = {"ca.crt": made.authority, "broker.crt": made.certificate, "broker.key": made.key}
        return [self._write(self._secrets / name, text) for name, text in files.items()]

    def _has(self, name: str) -> bool:
        return (self._secrets / name).exists()

    def _write(self, path: Path, text: str) -> Path:
        write_private(path, text)
        self._hand_over(path)
        return path

    def _hand_over(self, path: Path) -> None:
        """Give a file that root made to those who the containers run as."""
        if getattr(os, "geteuid", lambda: 1)() == 0:
            os.chown(path, _id("getuid"), _id("getgid"))

    def _unwritable(self, error: OSError) -> UnavailableError:
        return UnavailableError(
            f"The stack's secrets cannot be written to {self._secrets}: {error.strerror or error}.",
            advice="Choose another folder by --folder, or correct permissions or free space.",
        )


def _bedside(wishes: StackWishes) -> list[User]:
    users = [User(role, role, _new_secret()) for role in ROLES]
    for name, sensors in wishes.bedside:
        if name in ROLES or not name.replace("-", "").isalnum():
            raise ConfigurationError(
                f"A collector elsewhere cannot be named {name!r}.", advice="Choose letters, digits and -, and no role."
            )
        users.append(User(name, "collector", _new_secret(), sensors))
    return users


def _environment(wishes: StackWishes) -> str:
    """Return what docker compose reads beside its file; nothing in it is secret."""
    return (
        "# Read by docker compose; nothing in here is secret. docs/operations.md tells more.\n"
        f"COMPOSE_PROFILES={wishes.profile}\n"
        f"CRAMPWATCH_UID={_id('getuid')}\nCRAMPWATCH_GID={_id('getgid')}\n"
    )


def _id(function: str) -> int:
    """Return our user or group id, whom the containers run as so that they may read what is ours; never root's."""
    number: int = getattr(os, function, lambda: 1000)()
    return number or 1000


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_OCTETS)
