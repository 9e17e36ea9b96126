"""The page as a service: follows the broker and serves browsers until told to stop."""

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


class PortTakenError(UnavailableError):
    """Another program listens where the page was to."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What the page needs to know.

    Attributes:
        broker: Whose messages are shown.
        history: Remembers the night's earlier episodes; None: only those told from now on are listed.
        host: Address to listen on; other than loopback demands `access_token`.
        port: None for the usual one, or any free one where that is taken; 0 for any free one. It is told in the
            service's status.
        access_token: The secret to log in with.
        allowed_hosts: Further host names the page may be opened by.
        data: The data folder; None: what people set on the page is forgotten with the server.
        store_url: Where the history lies, without secrets, to be told.
        certificate: PEM file of a TLS certificate; None: plain HTTP.
        key: PEM file of its key; None: in the same file.
        archive: The nights that were recorded.
        client_id: At the broker; one that no other page there uses.
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

    The broker may come later, and go: the page then says that it is not there.

    Raises:
        ConfigurationError: Other machines could reach the page and no sound token is set, or the certificate cannot
            be used.
        UnavailableError: The port is taken, the address is not ours, the page was not bundled, or the broker
            refuses our login.
    """
    login = require_login(options.host, options.access_token)
    assets = load_assets()
    _check_certificate(options)
    with contextlib.closing(_listener(options)) as listener:
        url = page_url(options.host, listener.getsockname()[1], scheme="https" if options.certificate else "http")
        model = _empty_model()
        hub = Hub(model)
        publisher = JournalPublisher()
        archive = Archive(options.archive, publisher.publish)
        folder = options.data / "page" if options.data else None
        marks = NightMarks(folder / "night-marks.json" if folder else None, archive.record)
        settings = SettingsApi(model, SettingsFolder(folder), lambda: _report(options, login), marks)
        operations = [*settings.operations(), *archive.operations()]
        app = create_app(
            assets=assets,
            hub=hub,
            hosts=_hosts(options, login),
            login=login,
            health=lambda: {"version": _version(), "broker": model.broker, "viewers": hub.viewers},
            routes=build_routes([*operations, description_operation(operations, version=_version())]),
        )
        shell = ServiceShell("web", options.broker, client_id=options.client_id, version=_version(), detail=url)
        async with _served(app, listener, hub, options), shell:
            works = [hub.run(), settings.run(), marks.run(), archive.run(), _follow(shell.bus, model, publisher)]
            if options.history is not None:
                works.append(follow_history(options.history, model))
            await shell.run(*works, stop=stop)


def _report(options: WebOptions, login: Login | None) -> SystemReport:
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
            advice="Name a PEM file by --web-certificate, and that of its key by --web-key.",
        ) from error


async def _follow(bus: Bus, model: LiveModel, publisher: JournalPublisher) -> None:
    publisher.bus = bus
    try:
        await subscribe(bus)
        await run_until_first_ends(follow_broker(bus, model), _watch_broker(bus, model))
    finally:
        publisher.bus = None


async def _watch_broker(bus: Bus, model: LiveModel) -> None:
    while True:
        model.set_broker(connected=bus.is_connected)
        await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def _served(app: ASGIApp, listener: socket.socket, hub: Hub, options: WebOptions) -> AsyncIterator[None]:
    """Serve while the context lasts; then end the open streams first, which would keep the server waiting."""
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
            limit_concurrency=64,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )
    )
    serving = asyncio.create_task(server.serve([listener]), name="http")
    try:
        yield
    finally:
        hub.close()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listener(options: WebOptions) -> socket.socket:
    """Listen for good or not at all: to look first whether a port is free would let two pages find it so."""
    if options.port is not None:
        return _listening(options.host, options.port)
    try:
        return _listening(options.host, DEFAULT_PORT)
    except PortTakenError:
        return _listening(options.host, free_port())


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # on Windows it would let two programs listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _unavailable(host, port, error) from error
    listener.setblocking(False)
    return listener


def _unavailable(host: str, port: int, error: OSError | OverflowError) -> UnavailableError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return PortTakenError(
            f"The live page was to listen on {host}:{port}, which another program uses.",
            advice="End that program (perhaps another crampwatch), or choose another port.",
        )
    return UnavailableError(
        f"The live page cannot listen on {host}:{port}: {error}.",
        advice="Use an address of this machine, normally 127.0.0.1, and a port from 1024 to 65535.",
    )


def _hosts(options: WebOptions, login: Login | None) -> HostRule:
    own = {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"} if login else set()
    names = frozenset(name.lower() for name in (options.host, *options.allowed_hosts, *own))
    return HostRule(names, only_loopback=is_loopback(options.host))


def _empty_model() -> LiveModel:
    offset = datetime.now().astimezone().utcoffset()
    return LiveModel(
        now_ns=time.time_ns(), utc_offset_s=int(offset.total_seconds()) if offset else 0, version=_version()
    )


def _version() -> str:
    try:
        return version("crampwatch")
    except PackageNotFoundError:
        return "source"
