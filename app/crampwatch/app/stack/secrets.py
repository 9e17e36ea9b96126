"""The secrets of the services in docker-compose.yml: created once, one file each, renewed on demand.

No password has a default, and none is in docker-compose.yml, in an image, in an environment variable or in git: every
service is given the file that it needs, readable by its owner only.
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

__all__ = ["PROFILES", "Stack", "StackOptions"]

PROFILES: Final = ("full", "server", "collector", "demo")
_USERS: Final = "broker-users.toml"
_ONCE: Final = ("influxdb-admin-password", "influxdb-admin-token", "grafana-admin-password")
"""The databases store these themselves at their first start: they can only be renewed there, while they are running."""
_DATABASE: Final = "influxdb"
"""Folder with one folder per login: the database makes the tokens, and each service is given its own folder."""
_DATABASE_LOGINS: Final = ("store", "web", "finaliser", "backup", "grafana")
"""The names in :data:`crampwatch.app.stack.database_logins.LOGINS`, a module that takes half a second to import."""
_RENEWED: Final = ("web-token",)
_SECRET_BYTES: Final = 32
"""256 random bits: out of reach of guessing, however fast."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to create.

    Attributes:
        profile: Decides which services `docker compose up` starts.
        names: Host names and addresses by which other machines reach the broker, for its certificate.
        bedside: Logins for collectors on other machines: name, and the only sensors that each may publish for.
    """

    profile: str = "full"
    names: tuple[str, ...] = ()
    bedside: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Stack:
    """The secrets and the ``.env`` file beside docker-compose.yml.

    Args:
        folder: The folder of docker-compose.yml.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secrets = folder / "secrets"

    def create(self, options: StackOptions) -> list[Path]:
        """Create what does not exist yet; return the files that were created.

        Raises:
            UnavailableError: Something cannot be written.
            ConfigurationError: An existing file cannot be read.
        """
        try:
            self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._secrets.chmod(0o700)
            self._set_owner(self._secrets)
            backups = self._folder / "backups"
            backups.mkdir(mode=0o700, exist_ok=True)
            self._set_owner(backups)
            self._make_login_folders()
            created = [
                self._write(self._secrets / name, _new_secret()) for name in (*_ONCE, *_RENEWED) if not self._has(name)
            ]
            created += self._add_users(_new_users(options))
            created += self._create_certificate(options.names)
            created += (
                []
                if (self._folder / ".env").exists()
                else [self._write(self._folder / ".env", _env_file_text(options))]
            )
        except OSError as error:
            raise self._write_error(error) from error
        return created

    def rotate(self) -> list[Path]:
        """Renew the secrets of all users of the broker, and of the page; return the files that changed.

        Raises:
            UnavailableError: Something cannot be written.
            ConfigurationError: There are no secrets yet.
        """
        self._check_exists()
        users = [User(user.name, user.role, _new_secret(), user.sensors) for user in load_users(self._secrets / _USERS)]
        try:
            return [*[self._write(self._secrets / name, _new_secret()) for name in _RENEWED], *self._write_users(users)]
        except OSError as error:
            raise self._write_error(error) from error

    def rotate_databases(self, influx_url: str, grafana_url: str) -> list[Path]:
        """Renew all passwords and tokens of InfluxDB and Grafana, which must be running; return the files that changed.

        Each new one is created in the database first, then written to its file, and only then the old one is revoked:
        after a failure at any point this can be run again.

        Raises:
            UnavailableError: A database cannot be reached or refuses, or something cannot be written.
            ConfigurationError: There are no secrets yet.
        """
        self._check_exists()
        try:
            self._make_login_folders()
            return [*self._rotate_influx(influx_url), self._rotate_grafana(grafana_url)]
        except OSError as error:
            raise self._write_error(error) from error

    def _rotate_influx(self, url: str) -> list[Path]:
        # For start-up time: the InfluxDB client takes half a second to import, which `init-stack` alone does not need.
        from crampwatch.app.stack.database_logins import InfluxAdmin

        changed = []
        admin = InfluxAdmin(url, token=self._read("influxdb-admin-token"), org="crampwatch", bucket="crampwatch")
        try:
            admin.map_bucket_for_influxql()
            for name in _DATABASE_LOGINS:
                token = admin.create_token(name)
                changed.append(self._write(self._secrets / _DATABASE / name / "token", token))
                admin.revoke_others(name, token)
            password = _new_secret()
            admin.set_password(password)
            changed.append(self._write(self._secrets / "influxdb-admin-password", password))
            changed.append(self._write(self._secrets / "influxdb-admin-token", admin.renew_token()))
            admin.revoke_own_token()
        finally:
            admin.close()
        return changed

    def _rotate_grafana(self, url: str) -> Path:
        from crampwatch.app.stack.database_logins import GrafanaAdmin

        password = _new_secret()
        GrafanaAdmin(url, self._read("grafana-admin-password")).set_password(password)
        return self._write(self._secrets / "grafana-admin-password", password)

    def _make_login_folders(self) -> None:
        """Create the folders into which the database, which runs as the same user, writes its tokens."""
        for folder in (self._secrets / _DATABASE, *(self._secrets / _DATABASE / name for name in _DATABASE_LOGINS)):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._set_owner(folder)

    def _check_exists(self) -> None:
        if not self._has(_USERS):
            raise ConfigurationError(
                f"There are no secrets in {self._secrets} yet.", advice="Run `crampwatch init-stack` first."
            )

    def _read(self, name: str) -> str:
        return (self._secrets / name).read_text("ascii").strip()

    def _add_users(self, wanted: Sequence[User]) -> list[Path]:
        present = load_users(self._secrets / _USERS) if self._has(_USERS) else ()
        names = {user.name for user in present}
        added = [user for user in wanted if user.name not in names]
        return self._write_users([*present, *added]) if added else []

    def _write_users(self, users: Sequence[User]) -> list[Path]:
        """Write the passwords before the broker's files: once the broker has read these, no service must be refused."""
        files = {f"broker-{user.name}": user.password for user in users}
        files |= {
            _USERS: format_user_file(users),
            "mosquitto-access": format_access_file(users),
            "mosquitto-passwords": format_password_file(users),
        }
        return [self._write(self._secrets / name, text) for name, text in files.items()]

    def _create_certificate(self, names: tuple[str, ...]) -> list[Path]:
        """Create the broker's certificate; an existing one is replaced only where names are given."""
        if self._has("broker.crt") and not names:
            return []
        issued = Certificates.for_names(("localhost", "127.0.0.1", "broker", *names))
        files = {"ca.crt": issued.authority, "broker.crt": issued.certificate, "broker.key": issued.key}
        return [self._write(self._secrets / name, text) for name, text in files.items()]

    def _has(self, name: str) -> bool:
        return (self._secrets / name).exists()

    def _write(self, path: Path, text: str) -> Path:
        write_private(path, text)
        self._set_owner(path)
        return path

    def _set_owner(self, path: Path) -> None:
        """Make the containers' user the owner of a file that root created."""
        if getattr(os, "geteuid", lambda: 1)() == 0:
            os.chown(path, _id("getuid"), _id("getgid"))

    def _write_error(self, error: OSError) -> UnavailableError:
        return UnavailableError(
            f"The stack's secrets cannot be written to {self._secrets}: {error.strerror or error}.",
            advice="Choose another folder by --folder, or check permissions and free space.",
        )


def _new_users(options: StackOptions) -> list[User]:
    users = [User(role, role, _new_secret()) for role in ROLES]
    for name, sensors in options.bedside:
        if name in ROLES or not name.replace("-", "").isalnum():
            raise ConfigurationError(
                f"{name!r} cannot be the name of a collector's login.",
                advice=f"Use letters, digits and -, and none of the names {', '.join(ROLES)}.",
            )
        users.append(User(name, "collector", _new_secret(), sensors))
    return users


def _env_file_text(options: StackOptions) -> str:
    """Return the text of ``.env``, which docker compose reads; nothing in it is secret."""
    return (
        "# Read by docker compose; nothing in here is secret. See docs/stack.md.\n"
        f"COMPOSE_PROFILES={options.profile}\n"
        f"CRAMPWATCH_UID={_id('getuid')}\nCRAMPWATCH_GID={_id('getgid')}\n"
    )


def _id(function: str) -> int:
    """Return the id of our user or group, under which the containers run to be able to read our files; never root's."""
    number: int = getattr(os, function, lambda: 1000)()
    return number or 1000


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
