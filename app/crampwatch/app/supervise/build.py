"""The single stages: what each is told of the settings, and how it runs as a program."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from crampwatch.app.cli.version import version_text
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import shown
from crampwatch.app.config.settings import BrokerSettings, ServerSettings, Settings, setting_of
from crampwatch.app.runtime.run_service import announce_ready, run_service
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.embedded import BrokerListener, EmbeddedBroker, saved_address
from crampwatch.bus.user_file import load_users
from crampwatch.protocol.errors import ConfigurationError, CrampwatchError

__all__ = ["broker_address", "run_collector", "run_stage", "store_url"]


def broker_address(settings: Settings, role: str) -> BrokerAddress:
    """Return the broker to use: the user's own, or the embedded one of the data folder.

    Args:
        settings: Where to find it.
        role: Whose login to use with the embedded one, and the user's name where only a password is set.

    Raises:
        ConfigurationError: Neither is known.
    """
    if settings.broker.url:
        return _own_broker(settings.broker, role)
    address = saved_address(DataFolder(settings.data).broker, role=role)
    if address is None:
        raise ConfigurationError(
            f"No broker is known: none was named, and none was ever started in {settings.data}.",
            advice="Start `crampwatch broker` with the same --data first, or name your own by --broker.",
        )
    return address


def _own_broker(broker: BrokerSettings, role: str) -> BrokerAddress:
    address = BrokerAddress.parse(broker.url)
    if broker.password and address.password is None:
        address = replace(address, user=address.user or role, password=broker.password)
    return replace(address, ca_file=Path(broker.ca)) if broker.ca else address


def store_url(settings: Settings) -> str:
    """Return the address of the store: the user's own, or SQLite in the data folder."""
    return settings.store.url or f"sqlite:///{DataFolder(settings.data).store.resolve().as_posix().lstrip('/')}"


def run_stage(name: str, settings: Settings) -> None:
    """Run a stage until it is told to stop.

    Raises:
        CrampwatchError: It cannot run.
    """
    DataFolder(settings.data).create()
    _STAGES[name](settings)


def _run_broker(settings: Settings) -> None:
    listener = _listener(settings.server, settings.broker.port or None)

    broker = EmbeddedBroker(DataFolder(settings.data).broker, listener=listener)

    async def service(stop: asyncio.Event) -> None:
        async with broker:
            announce_ready(broker.address.url)
            stopping, ending = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(broker.wait())
            watching = asyncio.create_task(broker.watch_storage())
            await asyncio.wait([stopping, ending], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            watching.cancel()
            if ending.done():
                raise CrampwatchError(
                    f"The broker's server ended by itself (code {ending.result()}).",
                    advice=f"Its log is {DataFolder(settings.data).broker / 'nats.log'}.",
                )
            ending.cancel()

    run_service(
        "broker", settings, service, ailment=lambda: "" if broker.is_ready else "the server is starting or has ended"
    )


def _listener(server: ServerSettings, port: int | None) -> BrokerListener:
    if bool(server.certificate) != bool(server.key):
        raise ConfigurationError(
            "A certificate without its key, or a key without its certificate, was given to the broker.",
            advice="Give both --server-certificate and --server-key, or neither.",
        )
    return BrokerListener(
        host=server.host,
        port=port,
        users=load_users(Path(server.users)) if server.users else (),
        certificate=Path(server.certificate) if server.certificate else None,
        key=Path(server.key) if server.key else None,
    )


def run_collector(
    settings: Settings, *, speed: float = 1.0, start_utc_ns: int | None = None, ends_with_streams: bool = False
) -> None:
    """Run the collector until it is told to stop, or the sensors' streams have ended.

    Raises:
        CrampwatchError: It cannot run.
    """
    from crampwatch.app.config.placements import placed_on_page, placements_of
    from crampwatch.collector.options import CollectorOptions
    from crampwatch.collector.service import run

    DataFolder(settings.data).create()
    options = CollectorOptions(
        broker_address(settings, "collector"),
        settings.data,
        adapter=settings.collector.adapter or None,
        sensors=settings.collector.sensors,
        placements={**placed_on_page(DataFolder(settings.data).page), **placements_of(settings.collector.placements)},
        speed=speed,
        start_utc_ns=start_utc_ns,
        ends_with_streams=ends_with_streams,
        software=f"crampwatch {version_text()}",
        client_id=DataFolder(settings.data).client_id("collector"),
    )
    run_service("collector", settings, lambda stop: run(options, stop=stop))


def _run_detector(settings: Settings) -> None:
    from crampwatch.detector.service.service import DetectorOptions, run

    folder = DataFolder(settings.data)
    options = DetectorOptions(
        broker_address(settings, "detector"),
        folder.detector,
        calibrations=folder.calibrations,
        client_id=folder.client_id("detector"),
    )
    run_service("detector", settings, lambda stop: run(options, stop=stop))


def _run_store(settings: Settings) -> None:
    from crampwatch.store.ingest.service import StoreOptions, run

    options = StoreOptions(
        broker_address(settings, "store"),
        store_url(settings),
        settings.data,
        token=settings.store.token,
        org=settings.store.org,
        bucket=settings.store.bucket,
        client_id=DataFolder(settings.data).client_id("store"),
    )
    run_service("store", settings, lambda stop: run(options, stop=stop))


def _run_home(settings: Settings) -> None:
    from crampwatch.home.service import HomeOptions, run

    folder = DataFolder(settings.data)
    options = HomeOptions(
        broker_address(settings, "home"), folder.home, version=version_text(), client_id=folder.client_id("home")
    )
    run_service("home", settings, lambda stop: run(options, stop=stop))


def _run_web(settings: Settings) -> None:
    from crampwatch.app.supervise.web_wiring import archive_options
    from crampwatch.store.engines import open_store
    from crampwatch.web.service import WebOptions, run

    history = open_store(
        store_url(settings),
        token=settings.store.token,
        org=settings.store.org,
        bucket=settings.store.bucket,
        read_only=True,
    )
    options = WebOptions(
        broker_address(settings, "web"),
        history=history,
        host=settings.web.host,
        port=settings.web.port or None,
        access_token=_access_token(settings),
        allowed_hosts=settings.web.allowed_hosts,
        data=settings.data,
        store_url=shown(setting_of("store.url"), store_url(settings)),
        certificate=Path(settings.web.certificate) if settings.web.certificate else None,
        key=Path(settings.web.key) if settings.web.key else None,
        archive=archive_options(settings, history),
        client_id=DataFolder(settings.data).client_id("web"),
    )
    run_service("web", settings, lambda stop: run(options, stop=stop))


def _access_token(settings: Settings) -> str | None:
    """Return the secret of the page: the user's own, or where other machines may open it one made for them."""
    from crampwatch.web.access.auth import is_loopback
    from crampwatch.web.http.files import access_token

    if settings.web.token or is_loopback(settings.web.host):
        return settings.web.token or None
    return access_token(DataFolder(settings.data).secrets)


_STAGES: Final[dict[str, Callable[[Settings], None]]] = {
    "broker": _run_broker,
    "collector": run_collector,
    "detector": _run_detector,
    "store": _run_store,
    "home": _run_home,
    "web": _run_web,
}
