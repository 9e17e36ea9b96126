"""Checks every request (host name, origin, intent, login) and adds security headers to every answer."""

import time
from http.cookies import CookieError, SimpleCookie
from typing import Final

from crampwatch.web.access.auth import HostRule, Login
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE_NAME", "HEADERS", "INTENT_HEADER", "Guard"]

COOKIE_NAME: Final = "crampwatch"
INTENT_HEADER: Final = "X-Crampwatch"
"""Sent with every request that changes something. A page on another site cannot send it: the browser would first ask us
for permission (CORS preflight), which we never give. A form needs no permission but cannot carry a header."""
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: browsers then send "Origin: null" with our own forms too, and our login form could not be
    # distinguished from one on another site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing is loaded from elsewhere, no inline script runs, and no other page may frame or read this one."""
_PUBLIC_ASSETS: Final = (
    "app.css", "login.js", "theme.js", "icon.svg", "app.webmanifest", "icon-180.png", "icon-512.png",
)  # fmt: skip
_PUBLIC_PATHS: Final = frozenset({"/login", *(f"/assets/{name}" for name in _PUBLIC_ASSETS)})
"""What the login page needs, and what browsers fetch without cookies when the page is added to a home screen."""
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM_PATHS: Final = frozenset({"/login", "/logout"})
"""Plain forms, which cannot carry a header: they need an Origin header with our own origin."""


class Guard:
    """ASGI middleware that refuses what must not reach the application.

    Args:
        app: The application.
        hosts: Host names that are answered.
        login: Login that every browser needs; None if only this machine can connect.
    """

    def __init__(self, app: ASGIApp, *, hosts: HostRule, login: Login | None) -> None:
        self._app = app
        self._hosts = hosts
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = self._refuse(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_security_headers(message)
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _refuse(self, scope: Scope) -> Response | None:
        """Return the answer that refuses a request; None if it may pass."""
        headers = Headers(scope=scope)
        if not self._hosts.allows(headers.get("host", "")):
            return PlainTextResponse(
                "crampwatch does not answer to this host name. Use the address that it printed at start, or allow this "
                "name with --web-allowed-hosts.\n",
                status_code=421,
            )
        if _is_cross_origin(headers):
            return PlainTextResponse("crampwatch does not accept requests from other sites.\n", status_code=403)
        if scope["method"] not in _SAFE_METHODS and not _has_intent(scope["path"], headers):
            return PlainTextResponse(
                f"A request that changes something needs the header {INTENT_HEADER}: 1.\n", status_code=403
            )
        if self._login is None or scope["path"] in _PUBLIC_PATHS or self._has_valid_cookie(headers):
            return None
        if scope["path"] == "/" or headers.get("sec-fetch-mode") == "navigate":
            return RedirectResponse("/login", status_code=303)
        return PlainTextResponse("Log in first.\n", status_code=401)

    def _has_valid_cookie(self, headers: Headers) -> bool:
        assert self._login is not None
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE_NAME)
        except CookieError:
            return False
        return cookie is not None and self._login.is_valid_cookie(cookie.value, utc_s=int(time.time()))


def _is_cross_origin(headers: Headers) -> bool:
    """Whether a browser says that another site caused the request; following a link to the page is allowed."""
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    if site in ("cross-site", "same-site") and mode != "navigate":
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _has_intent(path: str, headers: Headers) -> bool:
    """Whether a request that changes something comes from our own page or a program, not from another site."""
    if headers.get(INTENT_HEADER):
        return True
    return path in _FORM_PATHS and headers.get("origin", "null") != "null"


def _add_security_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
