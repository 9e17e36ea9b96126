"""Where the embedded broker listens and its password: made once, kept in its folder, readable by its owner only."""

import hashlib
import hmac
import json
import os
import secrets
import socket
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.roles import ROLES, User
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["HOST", "Endpoint", "free_port", "is_port_free", "write_private"]

HOST: Final = "127.0.0.1"
_USER: Final = "crampwatch"
_UNLENT: Final = range(20_000, 32_768)
"""Below what Linux lends to outgoing connections (from 32,768), macOS and Windows too (from 49,152)."""
_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An embedded broker's ports and secret.

    Attributes:
        mqtt_port: Where clients connect.
        control_port: Where the server takes administrative requests.
        password: Of the user ``crampwatch``, who may do all.
        certificate: Of the server where it speaks TLS.
    """

    mqtt_port: int
    control_port: int
    password: str = field(repr=False)
    certificate: Path | None = None

    @property
    def user(self) -> str:
        """Whom the password belongs to."""
        return _USER

    @property
    def address(self) -> BrokerAddress:
        """What the program that started the broker is given; others get less, by :meth:`address_of`."""
        return self._address(_USER, self.password)

    @property
    def users(self) -> tuple[User, ...]:
        """A login for each role; the passwords follow from ours, and ours from none of them."""
        return tuple(User(_own(role), role, self._password_of(role)) for role in ROLES)

    def address_of(self, role: str) -> BrokerAddress:
        """Return what a client of a role is given."""
        return self._address(_own(role), self._password_of(role))

    def _address(self, user: str, password: str) -> BrokerAddress:
        tls = self.certificate is not None
        return BrokerAddress(HOST, self.mqtt_port, user, password, tls, self.certificate, checks_name=not tls)

    def _password_of(self, role: str) -> str:
        return hmac.new(self.password.encode(), role.encode(), hashlib.sha256).hexdigest()

    @classmethod
    def new(cls, mqtt_port: int | None = None) -> "Endpoint":
        """Choose free ports (or take the one given) and a password."""
        return cls(mqtt_port or free_port(), free_port(), secrets.token_urlsafe(24))

    @classmethod
    def load(cls, path: Path) -> "Endpoint | None":
        """Read what was saved; None where nothing was.

        Raises:
            ConfigurationError: The file is there but not as we write it.
        """
        try:
            values = tomllib.loads(path.read_text("utf-8"))
            certificate = values.get("certificate")
            return cls(
                int(values["mqtt_port"]),
                int(values["control_port"]),
                str(values["password"]),
                None if certificate is None else Path(certificate),
            )
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"The broker's secrets in {path} cannot be read: {error!r}.",
                advice="Remove the file; ports and password are then made anew.",
            ) from error

    def save(self, path: Path) -> None:
        """Write the file at once or not at all, readable by its owner only.

        Raises:
            UnavailableError: The folder cannot be written to.
        """
        text = (
            f"# The embedded MQTT broker: mqtt://{_USER}:<password>@{HOST}:{self.mqtt_port}\n"
            f'mqtt_port = {self.mqtt_port}\ncontrol_port = {self.control_port}\npassword = "{self.password}"\n'
            + (f"certificate = {json.dumps(str(self.certificate))}\n" if self.certificate else "")
        )
        try:
            write_private(path, text)
        except OSError as error:
            raise UnavailableError(
                f"The broker's secrets cannot be written to {path}: {error}.",
                advice="Check permissions and free space.",
            ) from error


def _own(role: str) -> str:
    """Return the name of a role's user: not the one somebody would give to a user of theirs."""
    return f"{_USER}-{role}"


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically by one that only its owner may read, and wait until it is on disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at the moment.

    It is none of those that systems lend to outgoing connections, which would be taken now and then by the time
    somebody listens on it, or while a broker that keeps its port is away.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_UNLENT)
        if is_port_free(port):
            return port
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Return whether nobody listens on a port of the loopback interface."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
