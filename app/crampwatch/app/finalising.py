"""Judging sessions as a program: one or all that are pending, until stopped."""

import asyncio
import os
from pathlib import Path

from crampwatch.app.exits import ExitCode
from crampwatch.app.finalise import FinalVerdict, finalise
from crampwatch.app.finals import pending
from crampwatch.app.folder import DataFolder
from crampwatch.app.progress import Progress
from crampwatch.app.session_files import find_session
from crampwatch.app.settings import Settings
from crampwatch.app.stopping import stop_event

__all__ = ["finalise_until_stopped"]


async def finalise_until_stopped(settings: Settings, name: str | None, progress: Progress) -> list[FinalVerdict]:
    """Judge a session, or all that are pending where none is named.

    Raises:
        CrampwatchError: A session cannot be read, or the store does not take the verdict.
    """
    folder = DataFolder(settings.data)
    paths = pending(folder) if name is None else [find_session(folder, name)]
    working = asyncio.ensure_future(_all(paths, settings, progress))
    stopping = asyncio.ensure_future(stop_event().wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # The detector runs in a thread that cannot be interrupted. Nothing was written that would be half.
        os._exit(ExitCode.INTERRUPTED)
    stopping.cancel()
    return working.result()


async def _all(paths: list[Path], settings: Settings, progress: Progress) -> list[FinalVerdict]:
    return [await finalise(path, settings, progress=progress) for path in paths]
