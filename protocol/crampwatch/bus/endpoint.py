"""Ports and password of the embedded broker: chosen once, saved in its folder, readable by its owner only."""

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
_FIXED_PORTS: Final = range(20_000, 32_768)
"""Below the ports that operating systems lend to outgoing connections: Linux from 32,768, macOS and Windows from
49,152."""
_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An embedded broker's ports and password.

    Attributes:
        mqtt_port: Port for MQTT clients.
        control_port: Port for administrative requests in the NATS protocol.
        password: Password of the user ``crampwatch``, who has all rights; those of the roles are derived from it.
        certificate: The server's certificate if it uses TLS.
    """

    mqtt_port: int
    control_port: int
    password: str = field(repr=False)
    certificate: Path | None = None

    @property
    def user(self) -> str:
        """Name of the user with all rights."""
        return _USER

    @property
    def address(self) -> BrokerAddress:
        """Address with all rights, for the program that starts the broker; stages use :meth:`address_of`."""
        return self._address(_USER, self.password)

    @property
    def users(self) -> tuple[User, ...]:
        """A login for each role. Its password is derived from ours, which cannot be derived from it."""
        return tuple(User(_user_of(role), role, self._password_of(role)) for role in ROLES)

    def address_of(self, role: str) -> BrokerAddress:
        """Return the address with the login of a role."""
        return self._address(_user_of(role), self._password_of(role))

    def _address(self, user: str, password: str) -> BrokerAddress:
        tls = self.certificate is not None
        return BrokerAddress(HOST, self.mqtt_port, user, password, tls, self.certificate, checks_name=not tls)

    def _password_of(self, role: str) -> str:
        return hmac.new(self.password.encode(), role.encode(), hashlib.sha256).hexdigest()

    @classmethod
    def new(cls, mqtt_port: int | None = None) -> "Endpoint":
        """Choose free ports, or use the given one, and a random password."""
        return cls(mqtt_port or free_port(), free_port(), secrets.token_urlsafe(24))

    @classmethod
    def load(cls, path: Path) -> "Endpoint | None":
        """Read a saved endpoint; None if there is no file.

        Raises:
            ConfigurationError: The file cannot be read, or has other content than `save` writes.
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
                advice="Remove the file; new ports and a new password are then chosen.",
            ) from error

    def save(self, path: Path) -> None:
        """Write the file atomically, readable by its owner only.

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


def _user_of(role: str) -> str:
    """Return the user name of a role, prefixed so that it does not collide with a user of the configuration."""
    return f"{_USER}-{role}"


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only; returns when it is on disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def free_port() -> int:
    """Return a port of the loopback interface that is free at the moment.

    It is not one that operating systems lend to outgoing connections: such a port might be taken by the time somebody
    listens on it, or while a broker with a saved port is not running.
    """
    for _ in range(_ATTEMPTS):
        port = secrets.choice(_FIXED_PORTS)
        if is_port_free(port):
            return port
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback interface."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
