"""Address and login of a broker, as one URL."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from crampwatch.protocol.errors import ConfigurationError

__all__ = ["BrokerAddress"]

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_ADVICE: Final = "Write mqtt://user:password@host:1883, or mqtts:// for TLS; user and password may be left out."


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker.

    Attributes:
        host: Name or address.
        port: TCP port.
        user: None for a broker without logins.
        password: Never shown by `str` and `repr`.
        tls: Whether the connection is encrypted and the broker's certificate is verified.
        ca_file: CA certificates that verify the broker's certificate; None for those that the system trusts.
        checks_name: Whether the certificate must be for `host`. Not so for a broker on this machine whose certificate
            is for the name by which other machines reach it.
    """

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    checks_name: bool = True

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address with user and password, as read by `parse`."""
        if self.user is None:
            return str(self)
        login = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password is not None else "")
        return str(self).replace("://", f"://{login}@", 1)

    @classmethod
    def parse(cls, text: str) -> "BrokerAddress":
        """Parse a URL such as ``mqtt://user:password@host:1883``; ``mqtts://`` means TLS.

        >>> BrokerAddress.parse("mqtt://me:secret@home.lan")
        BrokerAddress(host='home.lan', port=1883, user='me', tls=False, ca_file=None, checks_name=True)

        Raises:
            ConfigurationError: Not such a URL. The message does not repeat it, because it may contain a password.
        """
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError as error:
            raise ConfigurationError("The broker's address is not a URL with a valid port.", advice=_ADVICE) from error
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError(
                f"The broker's address starts with {parts.scheme + '://' if parts.scheme else 'no scheme'!r} and has "
                f"{'no host' if not parts.hostname else 'a host'}.",
                advice=_ADVICE,
            )
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigurationError("The broker's address continues after its port.", advice=_ADVICE)
        return cls(
            parts.hostname,
            _PORTS[parts.scheme] if port is None else port,
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            parts.scheme == "mqtts",
        )
