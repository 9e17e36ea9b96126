"""The final analysis as a program: of one session or all that need it, once or until stopped."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.final_analysis.files import sessions_to_finalise
from crampwatch.app.final_analysis.publish import FinalResult, finalise_session
from crampwatch.app.runtime.run_service import run_service
from crampwatch.app.runtime.stopping import create_stop_event
from crampwatch.app.sessions.find import find_session
from crampwatch.protocol.errors import CrampwatchError

__all__ = ["finalise_sessions", "run_finaliser"]

_log: Final = logging.getLogger(__name__)


async def finalise_sessions(settings: Settings, name: str | None, progress: Progress) -> list[FinalResult]:
    """Analyse the session of a name, or all that need it where the name is None. Ctrl-C ends the whole process.

    Raises:
        CrampwatchError: A session cannot be read, or the store cannot save the result.
    """
    folder = DataFolder(settings.data)
    paths = sessions_to_finalise(folder) if name is None else [find_session(folder, name)]
    working = asyncio.ensure_future(_finalise_all(paths, settings, progress))
    stopping = asyncio.ensure_future(create_stop_event().wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # The detector runs in a thread that cannot be interrupted; files are replaced atomically, so nothing is half
        # written when the process ends here.
        os._exit(ExitCode.INTERRUPTED)
    stopping.cancel()
    return working.result()


def run_finaliser(settings: Settings, *, every_s: float) -> None:
    """Look for sessions that need the final analysis every so often, until stopped: a service beside a collector."""
    DataFolder(settings.data).create()

    async def service(stop: asyncio.Event) -> None:
        working = asyncio.create_task(_finalise_repeatedly(settings, every_s))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            os._exit(ExitCode.OK)  # as above: the detector's thread would delay the end by minutes
        working.result()

    run_service("finaliser", settings, service, check=str)


async def _finalise_repeatedly(settings: Settings, every_s: float) -> None:
    while True:
        for path in sessions_to_finalise(DataFolder(settings.data)):
            try:
                final = await finalise_session(path, settings, progress=_no_progress)
                _log.info(
                    "final analysis of session %s: %d episode(s), %d live episode(s) retracted",
                    final.session,
                    len(final.episodes),
                    final.retracted,
                )
            except CrampwatchError as error:
                _log.warning("the final analysis of %s failed and will be tried again: %s", path.name, error)
        await asyncio.sleep(every_s)


def _no_progress(_done: int, _total: int | None) -> None:
    """Show nothing: a service has no terminal."""


async def _finalise_all(paths: list[Path], settings: Settings, progress: Progress) -> list[FinalResult]:
    return [await finalise_session(path, settings, progress=progress) for path in paths]
