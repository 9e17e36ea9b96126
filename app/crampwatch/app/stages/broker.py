"""The embedded MQTT broker as a separate program."""

import asyncio
from pathlib import Path

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import ServerSettings, Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.app.runtime.supervised import announce_ready
from crampwatch.bus.embedded import BrokerListener, EmbeddedBroker
from crampwatch.bus.user_file import load_users
from crampwatch.protocol.errors import ConfigurationError, CrampwatchError

__all__ = ["run_broker"]


def run_broker(settings: Settings) -> None:
    """Run the embedded broker until stopped.

    Raises:
        ConfigurationError: Only one of certificate and key was given, or the file of users cannot be read.
        CrampwatchError: The broker's server cannot start, or ended by itself.
    """
    folder = DataFolder(settings.data)
    folder.create()
    broker = EmbeddedBroker(folder.broker, listener=_listener(settings.server, settings.broker.port or None))

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
                    f"The broker's server ended unexpectedly (code {ending.result()}).",
                    advice=f"Its log is {folder.broker / 'nats.log'}.",
                )
            ending.cancel()

    run_service(
        "broker", settings, service, check=lambda: "" if broker.is_ready else "the server is starting or has ended"
    )


def _listener(server: ServerSettings, port: int | None) -> BrokerListener:
    if bool(server.certificate) != bool(server.key):
        raise ConfigurationError(
            "The broker needs a certificate and its key together; only one of them was given.",
            advice="Give both --server-certificate and --server-key, or neither.",
        )
    return BrokerListener(
        host=server.host,
        port=port,
        users=load_users(Path(server.users)) if server.users else (),
        certificate=Path(server.certificate) if server.certificate else None,
        key=Path(server.key) if server.key else None,
    )
