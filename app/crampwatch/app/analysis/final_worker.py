"""Judging sessions as a program: one or all that are pending, until stopped."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.final_registry import pending
from crampwatch.app.analysis.publish_final import FinalVerdict, finalise
from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.app.runtime.stopping import create_stop_event
from crampwatch.app.sessions.find import find_session
from crampwatch.protocol.errors import CrampwatchError

__all__ = ["finalise_until_stopped", "keep_finalising"]

_log: Final = logging.getLogger(__name__)


async def finalise_until_stopped(settings: Settings, name: str | None, progress: Progress) -> list[FinalVerdict]:
    """Judge a session, or all that are pending where none is named.

    Raises:
        CrampwatchError: A session cannot be read, or the store does not take the verdict.
    """
    folder = DataFolder(settings.data)
    paths = pending(folder) if name is None else [find_session(folder, name)]
    working = asyncio.ensure_future(_all(paths, settings, progress))
    stopping = asyncio.ensure_future(create_stop_event().wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # The detector runs in a thread that cannot be interrupted. Nothing was written that would be half.
        os._exit(ExitCode.INTERRUPTED)
    stopping.cancel()
    return working.result()


def keep_finalising(settings: Settings, *, every_s: float) -> None:
    """Judge sessions as they end, until told to stop: what a stack runs beside its collector."""
    DataFolder(settings.data).create()

    async def service(stop: asyncio.Event) -> None:
        working = asyncio.create_task(_watch(settings, every_s))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            os._exit(ExitCode.OK)  # as above: the detector's thread would keep us for minutes
        working.result()

    run_service("finaliser", settings, service, ailment=str)


async def _watch(settings: Settings, every_s: float) -> None:
    while True:
        for path in pending(DataFolder(settings.data)):
            try:
                final = await finalise(path, settings, progress=_silently)
                _log.info(
                    "judged session %s: %d episode(s), %d live one(s) withdrawn",
                    final.session,
                    len(final.episodes),
                    final.retracted,
                )
            except CrampwatchError as error:
                _log.warning("%s cannot be judged yet: %s", path.name, error)
        await asyncio.sleep(every_s)


def _silently(_done: int, _total: int | None) -> None:
    """Show no progress: nobody watches."""


async def _all(paths: list[Path], settings: Settings, progress: Progress) -> list[FinalVerdict]:
    return [await finalise(path, settings, progress=progress) for path in paths]
