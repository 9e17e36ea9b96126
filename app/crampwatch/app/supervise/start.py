"""From a command to a run: the data folder, its lock, the log, and what is said at the end."""

import asyncio
from dataclasses import replace
from pathlib import Path

from crampwatch.app.analysis.final_registry import pending
from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.config.data_folder import DataFolder, FolderLock
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.logs import log_to_file
from crampwatch.app.runtime.stopping import StopEvent, create_stop_event
from crampwatch.app.supervise.console import Teller
from crampwatch.app.supervise.plan import Plan
from crampwatch.app.supervise.run import launch
from crampwatch.app.supervise.status import RunSummary

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
        summary, stop = asyncio.run(_run(plan, teller))
        teller.summary(summary)
        if plan.mode == "wear" and stop.by_person and pending(plan.folder):
            _judge(plan, teller)
    return ExitCode.INTERRUPTED if stop.is_set() and not plan.runs_until_stopped else ExitCode.OK


async def _run(plan: Plan, teller: Teller) -> tuple[RunSummary, StopEvent]:
    stop = create_stop_event()
    return await launch(plan, stop=stop, teller=teller), stop


def _judge(plan: Plan, teller: Teller) -> None:
    """Judge the night now that all stages have ended: in the morning somebody wants to know."""
    from crampwatch.app.analysis.final_worker import finalise_until_stopped
    from crampwatch.app.cli.progress import progress_bar

    teller.judging()
    with progress_bar("judging the night") as progress:
        for final in asyncio.run(finalise_until_stopped(plan.settings, None, progress)):
            teller.judged(final.session, final.counts)
