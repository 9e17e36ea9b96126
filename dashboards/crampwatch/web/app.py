"""The web application: the page's files, the login, the live stream, and the API's routes."""

import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qs

from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.access.auth import HostRule, Login
from crampwatch.web.http.assets import Asset
from crampwatch.web.http.middleware import COOKIE_NAME, Guard
from crampwatch.web.http.openapi import Problem, json_response
from crampwatch.web.stream.sse import EventStream, Hub
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

__all__ = ["create_app"]

_MAX_FORM_BYTES: Final = 4096
"""The only form has one short field."""


def create_app(
    *,
    assets: dict[str, Asset],
    hub: Hub,
    hosts: HostRule,
    login: Login | None = None,
    health: Callable[[], dict[str, object]] = dict,
    routes: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """Return the application behind its guard.

    Args:
        assets: The page's files by name.
        hub: Source of the live stream.
        hosts: Host names that are answered.
        login: Login that every browser needs; None on loopback.
        health: Returns the content of ``/api/v1/health``.
        routes: Routes of the API.
    """
    pages = _Pages(assets, login)

    async def answer_health(_request: Request) -> Response:
        return JSONResponse(health())

    app = Starlette(
        routes=[
            Route("/", pages.send_page),
            Route("/login", pages.send_login_form, methods=["GET"]),
            Route("/login", pages.log_in, methods=["POST"]),
            Route("/logout", pages.log_out, methods=["POST"]),
            Route("/assets/{name}", pages.send_asset),
            Route("/api/v1/live", EventStream(hub), methods=["GET"]),
            Route("/api/v1/health", answer_health),
            *routes,
        ],
        exception_handlers={UnavailableError: _service_unavailable},
    )
    return Guard(app, hosts=hosts, login=login)


class _Pages:
    """Handlers for the page's files and the login.

    Args:
        assets: The page's files by name.
        login: The login; None if nobody has to log in.
    """

    def __init__(self, assets: dict[str, Asset], login: Login | None) -> None:
        self._assets = assets
        self._login = login

    async def send_page(self, request: Request) -> Response:
        """Send the page."""
        return _serve_asset(request, self._assets["index.html"])

    async def send_asset(self, request: Request) -> Response:
        """Send one of the page's files."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return _serve_asset(request, asset)

    async def send_login_form(self, request: Request) -> Response:
        """Send the login form."""
        if self._login is None:
            return RedirectResponse("/", status_code=303)
        return _serve_asset(request, self._assets["login.html"])

    async def log_in(self, request: Request) -> Response:
        """Check the password and set a cookie, which browsers send with requests from our own pages only."""
        if self._login is None:
            return RedirectResponse("/", status_code=303)
        now_s = time.monotonic()
        peer = request.client.host if request.client else ""
        if self._login.is_throttled(peer, now_s=now_s):
            return RedirectResponse("/login?wait", status_code=303)
        if not self._login.check_token(await _form_field(request, "token"), peer, now_s=now_s):
            return RedirectResponse("/login?wrong", status_code=303)
        value, lifetime_s = self._login.issue_cookie(utc_s=int(time.time()))
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE_NAME,
            value,
            max_age=lifetime_s,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def log_out(self, _request: Request) -> Response:
        """Remove this browser's cookie."""
        response = RedirectResponse("/login" if self._login else "/", status_code=303)
        response.delete_cookie(COOKIE_NAME, httponly=True, samesite="strict")
        return response


def _serve_asset(request: Request, asset: Asset) -> Response:
    """Send a file, or 304 if the browser has it. Browsers ask every time, so that an update shows at once."""
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.gzipped, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})


async def _form_field(request: Request, name: str) -> str:
    """Return one field of a short form; empty if it is missing."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise HTTPException(413)
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=4)
    except ValueError as error:
        raise HTTPException(400) from error
    return fields.get(name, [""])[0]


async def _service_unavailable(_request: Request, error: Exception) -> Response:
    return json_response(Problem(str(error), "away"), status=503)
