"""The page as a service: follows the broker and serves browsers until told to stop."""

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import uvicorn
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import ServiceStatus, encode
from crampwatch.protocol.topics import service_topic
from crampwatch.web.access import HostRule, Login, is_loopback, login_for
from crampwatch.web.assets import load_assets
from crampwatch.web.feed import History, follow_broker, follow_history, subscribe
from crampwatch.web.hub import Hub
from crampwatch.web.live import LiveModel
from crampwatch.web.server import create_app
from crampwatch.web.together import first_of
from starlette.types import ASGIApp

__all__ = ["DEFAULT_PORT", "WebOptions", "page_url", "run"]

DEFAULT_PORT: Final = 8042
_SERVICE: Final = "web"


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What the page needs to know.

    Attributes:
        broker: Whose messages are shown.
        history: Remembers the night's earlier episodes; None: only those told from now on are listed.
        host: Address to listen on; other than loopback demands `access_token`.
        port: 0 for any free one: it is told in the service's status.
        access_token: The secret to log in with.
        allowed_hosts: Further host names the page may be opened by.
    """

    broker: BrokerAddress
    history: History | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    access_token: str | None = None
    allowed_hosts: tuple[str, ...] = ()


def page_url(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared
    return f"http://{name}:{port}/"


async def run(options: WebOptions, *, stop: asyncio.Event) -> None:
    """Serve the page until ``stop`` is set.

    The broker may come later, and go: the page then says that it is not there.

    Raises:
        ConfigurationError: Other machines could reach the page and no sound token is set.
        UnavailableError: The port is taken, the address is not ours, the page was not bundled, or the broker
            refuses our login.
    """
    login = login_for(options.host, options.access_token)
    assets = load_assets()
    with _listener(options) as listener:
        url = page_url(options.host, listener.getsockname()[1])
        model = _empty_model()
        hub = Hub(model)
        app = create_app(
            assets=assets,
            hub=hub,
            hosts=_hosts(options, login),
            login=login,
            health=lambda: {"version": _version(), "broker": model.broker, "viewers": hub.viewers},
        )
        async with _served(app, listener, hub):
            works = [stop.wait(), hub.run(), _follow(options, model, url)]
            if options.history is not None:
                works.append(follow_history(options.history, model))
            await first_of(*works)


async def _follow(options: WebOptions, model: LiveModel, url: str) -> None:
    topic = str(service_topic(_SERVICE))
    async with Bus(
        options.broker,
        client_id=f"crampwatch-{_SERVICE}",
        will=(topic, encode(_status(online=False, detail=url))),
        birth=(topic, encode(_status(online=True, detail=url))),
        first_timeout_s=None,
    ) as bus:
        try:
            await subscribe(bus)
            await first_of(follow_broker(bus, model), _watch_broker(bus, model))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await bus.publish(topic, encode(_status(online=False, detail=url)), retain=True)


async def _watch_broker(bus: Bus, model: LiveModel) -> None:
    while True:
        model.set_broker(connected=bus.connected)
        await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def _served(app: ASGIApp, listener: socket.socket, hub: Hub) -> AsyncIterator[None]:
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


@contextlib.contextmanager
def _listener(options: WebOptions) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
        if os.name == "posix":  # on Windows it would let two programs listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((options.host, options.port))
            listener.listen(64)
        except (OSError, OverflowError) as error:
            raise _unavailable(options, error) from error
        listener.setblocking(False)
        yield listener


def _unavailable(options: WebOptions, error: OSError | OverflowError) -> UnavailableError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return UnavailableError(
            f"The live page was to listen on {options.host}:{options.port}, which another program uses.",
            advice="End that program (perhaps another crampwatch), or choose another port.",
        )
    return UnavailableError(
        f"The live page cannot listen on {options.host}:{options.port}: {error}.",
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


def _status(*, online: bool, detail: str) -> ServiceStatus:
    return ServiceStatus(
        sensor=f"_{_SERVICE}",
        t_ns=time.time_ns(),
        origin=Origin.LIVE,
        online=online,
        service=_SERVICE,
        version=_version(),
        detail=detail,
    )


def _version() -> str:
    try:
        return version("crampwatch")
    except PackageNotFoundError:
        return "source"
