"""The HTTP side: the page's files, the live stream, the login."""

import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qs

from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.access.auth import HostRule, Login
from crampwatch.web.http.assets import Asset
from crampwatch.web.http.middleware import COOKIE, Guard
from crampwatch.web.http.openapi import Problem, answer
from crampwatch.web.stream.sse import EventStream, Hub
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

__all__ = ["create_app"]

_LONGEST_FORM_OCTETS: Final = 4096


def create_app(
    *,
    assets: dict[str, Asset],
    hub: Hub,
    hosts: HostRule,
    login: Login | None = None,
    health: Callable[[], dict[str, object]] = dict,
    routes: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """Return the guarded application.

    Args:
        assets: The page's files.
        hub: Where live events come from.
        hosts: Host names answered.
        login: Demanded from every browser; None on loopback.
        health: What ``/api/v1/health`` says.
        routes: Of the views beside the live one; guarded like all others.
    """
    pages = _Pages(assets, login)

    async def answer_health(_request: Request) -> Response:
        return JSONResponse(health())

    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/login", pages.login, methods=["GET"]),
            Route("/login", pages.log_in, methods=["POST"]),
            Route("/logout", pages.log_out, methods=["POST"]),
            Route("/assets/{name}", pages.asset),
            Route("/api/v1/live", EventStream(hub), methods=["GET"]),
            Route("/api/v1/health", answer_health),
            *routes,
        ],
        exception_handlers={UnavailableError: _answer_unavailable},
    )
    return Guard(app, hosts=hosts, login=login)


class _Pages:
    """Answers for what a browser shows.

    Args:
        assets: The page's files.
        login: None where nobody has to log in.
    """

    def __init__(self, assets: dict[str, Asset], login: Login | None) -> None:
        self._assets = assets
        self._login = login

    async def index(self, request: Request) -> Response:
        """The live page."""
        return _file(request, self._assets["index.html"])

    async def asset(self, request: Request) -> Response:
        """One of the page's files."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return _file(request, asset)

    async def login(self, request: Request) -> Response:
        """The form that asks for the access token."""
        if self._login is None:
            return RedirectResponse("/", status_code=303)
        return _file(request, self._assets["login.html"])

    async def log_in(self, request: Request) -> Response:
        """Check the access token; the cookie it earns is sent back by this site's own pages only."""
        if self._login is None:
            return RedirectResponse("/", status_code=303)
        now_s = time.monotonic()
        peer = request.client.host if request.client else ""
        if self._login.is_throttled(peer, now_s=now_s):
            return RedirectResponse("/login?wait", status_code=303)
        if not self._login.accepts(await _form_field(request, "token"), peer, now_s=now_s):
            return RedirectResponse("/login?wrong", status_code=303)
        value, lasts_s = self._login.cookie(utc_s=int(time.time()))
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE, value, max_age=lasts_s, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
        return response

    async def log_out(self, _request: Request) -> Response:
        """Take back this browser's cookie."""
        response = RedirectResponse("/login" if self._login else "/", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response


def _file(request: Request, asset: Asset) -> Response:
    """Return a file, or word that the browser has it; it asks each time, so an update shows at once."""
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})


async def _form_field(request: Request, name: str) -> str:
    """Read one field of a short form; empty if it is not there."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM_OCTETS:
            raise HTTPException(413)
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=4)
    except ValueError as error:
        raise HTTPException(400) from error
    return fields.get(name, [""])[0]


async def _answer_unavailable(_request: Request, error: Exception) -> Response:
    return answer(Problem(str(error), "away"), status=503)
