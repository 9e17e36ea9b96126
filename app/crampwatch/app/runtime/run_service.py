"""Runs one service as a program: with a log, health checks, and a defined end."""

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
"""Runs until the event is set, and then returns soon."""


def run_service(name: str, settings: Settings, service: Service, *, check: HealthCheck = check_broker) -> None:
    """Run a service until a signal, or until the supervisor that started it has ended.

    Under a supervisor it logs to a file in the data folder, otherwise to the terminal.

    Args:
        name: Names the log file and the service in ``/healthz``.
        settings: Log, data folder, and address of ``/healthz``.
        service: The service.
        check: Its health check.
    """
    if is_supervised():
        log_to_file(settings.log, DataFolder(settings.data).logs / f"{name}.log")
    else:
        log_to_terminal(settings.log)
    asyncio.run(_serve(name, settings, service, check))


async def _serve(name: str, settings: Settings, service: Service, check: HealthCheck) -> None:
    stop = create_stop_event()
    async with serve_health(settings.ops, name, check):
        await service(stop)
