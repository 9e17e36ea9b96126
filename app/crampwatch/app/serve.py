"""Running one stage as a program: until a signal, or until the supervisor that started it is gone."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from crampwatch.app.folder import DataFolder
from crampwatch.app.logs import log_to_file, log_to_terminal
from crampwatch.app.settings import Settings
from crampwatch.app.stopping import stop_event, supervised
from crampwatch.app.supervisor import READY_PREFIX

__all__ = ["Service", "announce_ready", "serve"]

Service = Callable[[asyncio.Event], Awaitable[None]]
"""A stage that runs until the event is set, and then ends soon."""


def serve(name: str, settings: Settings, service: Service) -> None:
    """Run a service until it is told to stop.

    Under a supervisor it logs to the data folder, else to the terminal.
    """
    if supervised():
        log_to_file(settings.log, DataFolder(settings.data).logs / f"{name}.log")
    else:
        log_to_terminal(settings.log)
    asyncio.run(_serve(service))


async def _serve(service: Service) -> None:
    await service(stop_event())


def announce_ready(detail: str) -> None:
    """Tell a supervisor, by a line on standard output, that the stage is ready and where it can be reached."""
    if supervised():
        sys.stdout.write(f"{READY_PREFIX}{detail}\n")
        sys.stdout.flush()
