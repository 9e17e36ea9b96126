"""Who may see the page: host names it answers to, and the login where it can be reached from other machines."""

import hashlib
import hmac
import ipaddress
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from crampwatch.protocol.errors import ConfigurationError

__all__ = ["MIN_TOKEN_LENGTH", "HostRule", "Login", "is_loopback", "require_login"]

MIN_TOKEN_LENGTH: Final = 16
"""96 random bits in base64: out of reach of guessing at the rate :class:`Login` allows."""
_COOKIE_DAYS: Final = 30
_TRIES: Final = 5
_TRIES_OF_ALL: Final = 60
"""At 60 a minute 144 bits outlast the sun; a guesser with many addresses must not shut out those who know the secret
for long either, so this is not as few as one address has."""
_TRIES_WINDOW_S: Final = 60.0
_MOST_PEERS: Final = 256


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which ``Host`` headers are answered.

    A page elsewhere can point a name of its own at this machine and read what is served here (DNS rebinding). It
    cannot make the browser send a literal address or one of our names, so only those are answered.

    Attributes:
        names: Accepted besides ``localhost`` and, unless ``only_loopback``, literal addresses.
        only_loopback: Literal addresses must be loopback too.
    """

    names: frozenset[str] = frozenset()
    only_loopback: bool = True

    def allows(self, header: str) -> bool:
        """Whether a ``Host`` header, with or without a port, is ours."""
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
    """Access by a secret token, kept in a signed cookie, so that a restart of the server logs nobody out.

    Attributes:
        token: The secret.
    """

    token: str = field(repr=False)
    _failures_s: deque[float] = field(default_factory=lambda: deque(maxlen=_TRIES_OF_ALL), init=False)
    _peers: dict[str, deque[float]] = field(default_factory=dict, init=False)

    def is_throttled(self, peer: str = "", *, now_s: float) -> bool:
        """Whether too many wrong tokens were tried of late, by one address or by all; ``now_s`` is monotonic."""
        return _is_full(self._peers.get(peer), now_s) or _is_full(self._failures_s, now_s)

    def accepts(self, token: str, peer: str = "", *, now_s: float) -> bool:
        """Whether a token is the secret; a wrong one counts towards the throttle. ``now_s`` is monotonic."""
        if self.is_throttled(peer, now_s=now_s):
            return False
        if hmac.compare_digest(token.strip().encode(), self.token.encode()):
            self._peers.pop(peer, None)
            return True
        self._failures_s.append(now_s)
        self._peers.setdefault(peer, deque(maxlen=_TRIES)).append(now_s)
        if len(self._peers) > _MOST_PEERS:
            del self._peers[next(iter(self._peers))]
        return False

    def cookie(self, *, utc_s: int) -> tuple[str, int]:
        """Return a cookie value that admits for some days, and for how many seconds."""
        lasts_s = _COOKIE_DAYS * 86_400
        expiry = str(utc_s + lasts_s)
        return f"{expiry}.{self._sign(expiry)}", lasts_s

    def admits(self, cookie: str, *, utc_s: int) -> bool:
        """Whether a cookie value is one of ours and has not expired."""
        expiry, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(expiry).encode()):
            return False
        return int(expiry) > utc_s

    def _sign(self, expiry: str) -> str:
        return hmac.new(self.token.encode(), b"crampwatch page 1 " + expiry.encode(), hashlib.sha256).hexdigest()


def _is_full(failures_s: deque[float] | None, now_s: float) -> bool:
    if failures_s is None or len(failures_s) != failures_s.maxlen:
        return False
    return now_s - failures_s[0] < _TRIES_WINDOW_S


def require_login(host: str, token: str | None) -> Login | None:
    """Return the login a listening address demands; None for loopback without a token.

    Raises:
        ConfigurationError: Other machines could reach the page, and no sound token is set.
    """
    if token is None and is_loopback(host):
        return None
    if token is None or len(token) < MIN_TOKEN_LENGTH:
        met = "no access token is set" if token is None else f"the access token has only {len(token)} characters"
        raise ConfigurationError(
            f"The live page was to listen on {host}, but {met}; one of {MIN_TOKEN_LENGTH} or more is required.",
            advice="Listen on 127.0.0.1, or set a token, for instance one made by "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(18))"`, and type it on the page\'s login.',
        )
    return Login(token)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
