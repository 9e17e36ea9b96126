"""What every request has to pass: our host name, the login where one is demanded; and the headers of every answer."""

import time
from http.cookies import CookieError, SimpleCookie
from typing import Final

from crampwatch.web.access.auth import HostRule, Login
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "HEADERS", "INTENT_HEADER", "Guard"]

COOKIE: Final = "crampwatch"
INTENT_HEADER: Final = "X-Crampwatch"
"""Sent with every request that changes something. A page elsewhere cannot send it: a browser would first have to ask
us whether it may (CORS), and we never answer such questions. A form, which needs no leave, cannot carry a header."""
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: browsers then send "Origin: null" with our own forms too, and the login could not be told from
    # a trap on another site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing is fetched from elsewhere, nothing runs inline, and no other page may frame or read this one."""
_OPEN_ASSETS: Final = (
    "app.css", "login.js", "theme.js", "icon.svg", "app.webmanifest", "icon-180.png", "icon-512.png",
)  # fmt: skip
_OPEN: Final = frozenset({"/login", *(f"/assets/{name}" for name in _OPEN_ASSETS)})
"""What the login page itself needs, and what browsers fetch without cookies when the page is put on a home screen."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = frozenset({"/login", "/logout"})
"""Plain forms, which cannot carry a header: there the origin must be told, and be ours."""


class Guard:
    """ASGI middleware.

    Args:
        app: What is guarded.
        hosts: Host names answered.
        login: Demanded from everyone; None: nobody but this machine can connect.
    """

    def __init__(self, app: ASGIApp, *, hosts: HostRule, login: Login | None) -> None:
        self._app = app
        self._hosts = hosts
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message)
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._hosts.allows(headers.get("host", "")):
            return PlainTextResponse(
                "crampwatch does not answer to this host name. Use the address it printed when it started, or allow "
                "the name in its settings.\n",
                status_code=421,
            )
        if _is_cross_origin(headers):
            return PlainTextResponse("crampwatch does not answer other sites.\n", status_code=403)
        if scope["method"] not in _READING and not _is_meant(scope["path"], headers):
            return PlainTextResponse(
                f"Whoever changes something here has to say so: send the header {INTENT_HEADER}: 1.\n", status_code=403
            )
        if self._login is None or scope["path"] in _OPEN or self._has_cookie(headers):
            return None
        if scope["path"] == "/" or headers.get("sec-fetch-mode") == "navigate":
            return RedirectResponse("/login", status_code=303)
        return PlainTextResponse("Log in first.\n", status_code=401)

    def _has_cookie(self, headers: Headers) -> bool:
        assert self._login is not None
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._login.admits(cookie.value, utc_s=int(time.time()))


def _is_cross_origin(headers: Headers) -> bool:
    """Whether a browser says that another site sent the request; following a link to the page is fine."""
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    if site in ("cross-site", "same-site") and mode != "navigate":
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _is_meant(path: str, headers: Headers) -> bool:
    """Whether a request that changes something comes from our page, or from a program that means it."""
    if headers.get(INTENT_HEADER):
        return True
    return path in _FORMS and headers.get("origin", "null") != "null"


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
