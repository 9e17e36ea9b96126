"""Who may see the page: the host names it answers to, and the login if other machines can reach it.

Threats: a web page elsewhere that makes the visitor's browser talk to us, and a person in the same network.

- `HostRule` against DNS rebinding: only names that nobody else can point at this machine are answered.
- `Login` against everyone who does not have the password (called token in the code, since it is generated). On loopback
  only this machine's users can connect, and no login is needed.

The login has no server-side sessions: the cookie is an expiry time and an HMAC of it under the token. So a restart logs
nobody out, a new token logs everybody out, and a cookie cannot be extended or forged without the token.

Guessing is limited per address (5 wrong tokens a minute) and in total (60 a minute). The total limit slows a guesser
with many addresses; it is not as low as the limit of one address, because while it is reached nobody can log in.
"""

import hashlib
import hmac
import ipaddress
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from crampwatch.protocol.errors import ConfigurationError

__all__ = ["MIN_TOKEN_LENGTH", "HostRule", "Login", "is_loopback", "require_login"]

MIN_TOKEN_LENGTH: Final = 16
"""96 random bits in base64: cannot be guessed at the rate that :class:`Login` allows."""
_COOKIE_DAYS: Final = 30
_MAX_FAILURES: Final = 5
_MAX_TOTAL_FAILURES: Final = 60
_WINDOW_S: Final = 60.0
_MAX_PEERS: Final = 256
"""Addresses whose failures are counted; the oldest is forgotten first. The total limit holds for all."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which ``Host`` headers are answered.

    A page on another site can point its own name at this machine and then read what is served here (DNS rebinding).
    It cannot make the browser send a literal address or one of our names, so only those are answered.

    Attributes:
        names: Accepted names, besides ``localhost``.
        only_loopback: Accept only loopback addresses, instead of any literal address.
    """

    names: frozenset[str] = frozenset()
    only_loopback: bool = True

    def allows(self, header: str) -> bool:
        """Whether a ``Host`` header, with or without a port, is accepted."""
        name = _without_port(header.strip().lower())
        if name == "localhost" or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.only_loopback


@dataclass(slots=True)
class Login:
    """Login with a secret token, remembered by a signed cookie.

    Attributes:
        token: The secret; not shown by ``repr``.
    """

    token: str = field(repr=False)
    _failures_s: deque[float] = field(default_factory=lambda: deque(maxlen=_MAX_TOTAL_FAILURES), init=False)
    _peers: dict[str, deque[float]] = field(default_factory=dict, init=False)

    def is_throttled(self, peer: str = "", *, now_s: float) -> bool:
        """Whether too many wrong tokens were tried within a minute, by this address or in total.

        ``now_s`` is monotonic time.
        """
        return _is_limit_reached(self._peers.get(peer), now_s) or _is_limit_reached(self._failures_s, now_s)

    def check_token(self, token: str, peer: str = "", *, now_s: float) -> bool:
        """Whether a token is the secret; a wrong one counts as a failure, the right one clears its address's failures.

        ``now_s`` is monotonic time.
        """
        if self.is_throttled(peer, now_s=now_s):
            return False
        if hmac.compare_digest(token.strip().encode(), self.token.encode()):
            self._peers.pop(peer, None)
            return True
        self._failures_s.append(now_s)
        self._peers.setdefault(peer, deque(maxlen=_MAX_FAILURES)).append(now_s)
        if len(self._peers) > _MAX_PEERS:
            del self._peers[next(iter(self._peers))]
        return False

    def issue_cookie(self, *, utc_s: int) -> tuple[str, int]:
        """Return the value of a new cookie, and its lifetime in seconds."""
        lifetime_s = _COOKIE_DAYS * 86_400
        expiry = str(utc_s + lifetime_s)
        return f"{expiry}.{self._sign_expiry(expiry)}", lifetime_s

    def is_valid_cookie(self, cookie: str, *, utc_s: int) -> bool:
        """Whether a cookie value was issued with this token and has not expired."""
        expiry, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign_expiry(expiry).encode()):
            return False
        return int(expiry) > utc_s

    def _sign_expiry(self, expiry: str) -> str:
        return hmac.new(self.token.encode(), b"crampwatch page 1 " + expiry.encode(), hashlib.sha256).hexdigest()


def _is_limit_reached(failures_s: deque[float] | None, now_s: float) -> bool:
    if failures_s is None or len(failures_s) != failures_s.maxlen:
        return False
    return now_s - failures_s[0] < _WINDOW_S


def require_login(host: str, token: str | None) -> Login | None:
    """Return the login needed when listening on an address; None for loopback without a token.

    Raises:
        ConfigurationError: Other machines could reach the page, and there is no token or it is too short.
    """
    if token is None and is_loopback(host):
        return None
    if token is None or len(token) < MIN_TOKEN_LENGTH:
        problem = "no access token is set" if token is None else f"the access token has only {len(token)} characters"
        raise ConfigurationError(
            f"Cannot serve the page on {host}: {problem}; {MIN_TOKEN_LENGTH} or more are required.",
            advice="Listen on 127.0.0.1, or set a token, for example one from "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(18))"`, and log in to the page with it.',
        )
    return Login(token)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
