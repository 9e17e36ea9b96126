"""The page as a service: wires the model, the API and the server together, and runs them until stopped.

The port is bound before anything else starts, so that two pages started at once cannot both believe they have it. The
page is served while the broker is away, and shows that; open streams are ended before the server stops, which would
otherwise wait for them.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import uvicorn
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.endpoint import free_port
from crampwatch.bus.service import ServiceShell, run_until_first_ends
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.web.access.auth import HostRule, Login, is_loopback, require_login
from crampwatch.web.app import create_app
from crampwatch.web.archive import Archive, ArchiveOptions
from crampwatch.web.http.assets import load_assets
from crampwatch.web.http.openapi import build_routes, description_operation
from crampwatch.web.live.model import LiveModel
from crampwatch.web.night.bedtime import NightMarks
from crampwatch.web.settings.api import SettingsApi
from crampwatch.web.settings.folder import SettingsFolder
from crampwatch.web.settings.system_report import SystemReport, make_report
from crampwatch.web.stream.journal_publisher import JournalPublisher
from crampwatch.web.stream.sse import Hub
from crampwatch.web.stream.subscriber import History, follow_broker, follow_history, subscribe
from starlette.types import ASGIApp

__all__ = ["DEFAULT_PORT", "PortTakenError", "WebOptions", "page_url", "run"]

DEFAULT_PORT: Final = 8042
_BROKER_CHECK_S: Final = 0.25
"""How often the connection to the broker is checked for the page."""
_MAX_CONNECTIONS: Final = 64
"""Sixteen open pages with a few requests each; bounds what strangers can occupy."""


class PortTakenError(UnavailableError):
    """Another program uses the port."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Options of the page.

    Attributes:
        broker: Broker to follow.
        history: Store with the night's earlier episodes; None to list only those received from now on.
        host: Address to listen on; any but loopback needs `access_token`.
        port: Port to listen on; None for the default one, or any free one if that is taken; 0 for any free one. The
            service's status message has the address.
        access_token: Password for the login.
        allowed_hosts: More host names that the page answers to.
        data: The data folder; None to forget settings when the server stops.
        store_url: Address of the store, without secrets, as shown in the settings.
        certificate: PEM file with a TLS certificate; None for plain HTTP.
        key: PEM file with its key; None if the certificate's file contains it.
        archive: Where recorded nights are, and what can be done with them.
        client_id: MQTT client id; no other page at the same broker may use it.
    """

    broker: BrokerAddress
    history: History | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    access_token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    data: Path | None = None
    store_url: str = ""
    certificate: Path | None = None
    key: Path | None = None
    archive: ArchiveOptions = field(default_factory=ArchiveOptions)
    client_id: str = "crampwatch-web"


def page_url(host: str, port: int, *, scheme: str = "http") -> str:
    """Return the address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared
    return f"{scheme}://{name}:{port}/"


async def run(options: WebOptions, *, stop: asyncio.Event) -> None:
    """Serve the page until ``stop`` is set.

    The broker may start later, and may stop in between: the page then shows that it is not connected.

    Raises:
        ConfigurationError: Other machines could reach the page without a sufficient token, or the certificate cannot
            be used.
        UnavailableError: The port is taken, the address is not one of this machine, the page was not bundled, or the
            broker refuses the login.
    """
    login = require_login(options.host, options.access_token)
    assets = load_assets()
    _check_certificate(options)
    with contextlib.closing(_open_listener(options)) as listener:
        url = page_url(options.host, listener.getsockname()[1], scheme="https" if options.certificate else "http")
        model = _new_model()
        hub = Hub(model)
        publisher = JournalPublisher()
        archive = Archive(options.archive, publisher.publish)
        folder = options.data / "page" if options.data else None
        marks = NightMarks(folder / "night-marks.json" if folder else None, archive.record)
        settings = SettingsApi(model, SettingsFolder(folder), lambda: _make_report(options, login), marks)
        operations = [*settings.operations(), *archive.operations()]
        app = create_app(
            assets=assets,
            hub=hub,
            hosts=_allowed_hosts(options, login),
            login=login,
            health=lambda: {"version": _own_version(), "broker": model.broker, "viewers": hub.viewers},
            routes=build_routes([*operations, description_operation(operations, version=_own_version())]),
        )
        shell = ServiceShell("web", options.broker, client_id=options.client_id, version=_own_version(), detail=url)
        async with _serving(app, listener, hub, options), shell:
            tasks = [hub.run(), settings.run(), marks.run(), archive.run(), _follow_broker(shell.bus, model, publisher)]
            if options.history is not None:
                tasks.append(follow_history(options.history, model))
            await shell.run(*tasks, stop=stop)


def _make_report(options: WebOptions, login: Login | None) -> SystemReport:
    return make_report(
        options.data,
        now_ns=time.time_ns(),
        store_url=options.store_url,
        is_guarded=login is not None,
    )


def _check_certificate(options: WebOptions) -> None:
    if options.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.certificate, options.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {options.certificate} cannot be used: {error}.",
            advice="Give a PEM file with --web-certificate, and the one with its key with --web-key.",
        ) from error


async def _follow_broker(bus: Bus, model: LiveModel, publisher: JournalPublisher) -> None:
    publisher.bus = bus
    try:
        await subscribe(bus)
        await run_until_first_ends(follow_broker(bus, model), _watch_broker(bus, model))
    finally:
        publisher.bus = None


async def _watch_broker(bus: Bus, model: LiveModel) -> None:
    while True:
        model.set_broker(connected=bus.is_connected)
        await asyncio.sleep(_BROKER_CHECK_S)


@contextlib.asynccontextmanager
async def _serving(app: ASGIApp, listener: socket.socket, hub: Hub, options: WebOptions) -> AsyncIterator[None]:
    """Serve while the context lasts; at its end, first end the open streams, for which the server would wait."""
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            limit_concurrency=_MAX_CONNECTIONS,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )
    )
    server_task = asyncio.create_task(server.serve([listener]), name="http")
    try:
        yield
    finally:
        hub.close()
        server.should_exit = True
        await server_task


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _open_listener(options: WebOptions) -> socket.socket:
    """Bind the port: checking first whether it is free would let two pages find it free."""
    if options.port is not None:
        return _bind(options.host, options.port)
    try:
        return _bind(options.host, DEFAULT_PORT)
    except PortTakenError:
        return _bind(options.host, free_port())


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # on Windows it would let two programs listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _listen_error(host, port, error) from error
    listener.setblocking(False)
    return listener


def _listen_error(host: str, port: int, error: OSError | OverflowError) -> UnavailableError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return PortTakenError(
            f"Cannot serve the page on {host}:{port}: the port is already in use.",
            advice="Stop the other program (perhaps another crampwatch), or choose another port.",
        )
    return UnavailableError(
        f"Cannot serve the page on {host}:{port}: {error}.",
        advice="Use an address of this machine, normally 127.0.0.1, and a port from 1024 to 65535.",
    )


def _allowed_hosts(options: WebOptions, login: Login | None) -> HostRule:
    own = {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"} if login else set()
    names = frozenset(name.lower() for name in (options.host, *options.allowed_hosts, *own))
    return HostRule(names, only_loopback=is_loopback(options.host))


def _new_model() -> LiveModel:
    offset = datetime.now().astimezone().utcoffset()
    return LiveModel(
        now_ns=time.time_ns(), utc_offset_s=int(offset.total_seconds()) if offset else 0, version=_own_version()
    )


def _own_version() -> str:
    try:
        return version("crampwatch")
    except PackageNotFoundError:
        return "source"
