"""Running one stage as a program: until a signal, or until the supervisor that started it is gone."""

import asyncio
from collections.abc import Awaitable, Callable

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.health import HealthCheck, check_broker, serve_health
from crampwatch.app.runtime.logs import log_to_file, log_to_terminal
from crampwatch.app.runtime.stopping import create_stop_event
from crampwatch.app.runtime.supervised import is_supervised

__all__ = ["Service", "run_service"]

Service = Callable[[asyncio.Event], Awaitable[None]]
"""A stage that runs until the event is set, and then ends soon."""


def run_service(name: str, settings: Settings, service: Service, *, ailment: HealthCheck = check_broker) -> None:
    """Run a service until it is told to stop.

    Under a supervisor it logs to the data folder, else to the terminal.

    Args:
        name: Of the service.
        settings: Where it logs, and where it may be asked how it is.
        service: What is run.
        ailment: Says what is wrong with it.
    """
    if is_supervised():
        log_to_file(settings.log, DataFolder(settings.data).logs / f"{name}.log")
    else:
        log_to_terminal(settings.log)
    asyncio.run(_serve(name, settings, service, ailment))


async def _serve(name: str, settings: Settings, service: Service, ailment: HealthCheck) -> None:
    stop = create_stop_event()
    async with serve_health(settings.ops, name, ailment):
        await service(stop)
