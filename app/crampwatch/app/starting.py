"""From a command to a run: the data folder, its lock, the log, and what is said at the end."""

import asyncio
from dataclasses import replace
from pathlib import Path

from crampwatch.app.exits import ExitCode
from crampwatch.app.folder import DataFolder, FolderLock
from crampwatch.app.launch import launch
from crampwatch.app.logs import log_to_file
from crampwatch.app.plan import Plan
from crampwatch.app.settings import Settings
from crampwatch.app.stopping import stop_event
from crampwatch.app.tally import RunSummary
from crampwatch.app.telling import Teller

__all__ = ["in_folder", "start"]


def in_folder(settings: Settings, name: str) -> Settings:
    """Return the same settings with a folder within the data folder: simulated data never mixes with real nights."""
    return replace(settings, data=DataFolder(Path(settings.data)).part(name).root)


def start(plan: Plan, *, as_json: bool, afresh: bool) -> int:
    """Run a plan until it is over or a person ends it; return the exit code.

    Args:
        plan: What to run.
        as_json: Whether to speak to a program.
        afresh: Whether to remove first what the folder holds of an earlier run.

    Raises:
        CrampwatchError: It cannot run, or the folder is in use.
    """
    plan.folder.create()
    with FolderLock(plan.folder):
        if afresh:
            plan.folder.clear()
        log_to_file(plan.settings.log, plan.folder.logs / "crampwatch.log")
        teller = Teller(as_json=as_json, browser=plan.settings.web.browser)
        summary, stopped = asyncio.run(_run(plan, teller))
        teller.summary(summary)
    return ExitCode.INTERRUPTED if stopped and not plan.runs_until_stopped else ExitCode.OK


async def _run(plan: Plan, teller: Teller) -> tuple[RunSummary, bool]:
    stop = stop_event()
    summary = await launch(plan, stop=stop, teller=teller)
    return summary, stop.is_set()
