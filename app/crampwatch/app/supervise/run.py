"""What `demo`, `wear` and `replay` have in common: data folder and lock, log, the run itself, summary, exit code."""

import asyncio
from dataclasses import replace
from pathlib import Path

from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.progress import progress_bar
from crampwatch.app.config.data_folder import DataFolder, FolderLock
from crampwatch.app.config.settings import Settings
from crampwatch.app.final_analysis.files import sessions_to_finalise
from crampwatch.app.runtime.logs import log_to_file
from crampwatch.app.runtime.stopping import StopEvent, create_stop_event
from crampwatch.app.supervise.console import RunConsole
from crampwatch.app.supervise.pipeline import run_pipeline
from crampwatch.app.supervise.plan import Plan
from crampwatch.app.supervise.status import RunSummary

__all__ = ["run_plan", "with_subfolder"]


def with_subfolder(settings: Settings, name: str) -> Settings:
    """Return the settings with a subfolder of the data folder: simulated data never mixes with real nights."""
    return replace(settings, data=DataFolder(Path(settings.data)).part(name).root)


def run_plan(plan: Plan, *, as_json: bool, clear_first: bool) -> int:
    """Run a plan until it is over or the user stops it; return the exit code.

    Args:
        plan: What to run.
        as_json: Whether to print JSON Lines instead of sentences.
        clear_first: Whether to remove what an earlier run left in the folder.

    Raises:
        CrampwatchError: It cannot run, or the folder is in use.
    """
    plan.folder.create()
    with FolderLock(plan.folder):
        if clear_first:
            plan.folder.clear()
        log_to_file(plan.settings.log, plan.folder.logs / "crampwatch.log")
        console = RunConsole(as_json=as_json, opens_browser=plan.settings.web.browser)
        summary, stop = asyncio.run(_run(plan, console))
        console.show_summary(summary)
        if plan.mode == "wear" and stop.by_person and sessions_to_finalise(plan.folder):
            _finalise(plan, console)
    return ExitCode.INTERRUPTED if stop.is_set() and not plan.runs_until_stopped else ExitCode.OK


async def _run(plan: Plan, console: RunConsole) -> tuple[RunSummary, StopEvent]:
    stop = create_stop_event()
    return await run_pipeline(plan, stop=stop, console=console), stop


def _finalise(plan: Plan, console: RunConsole) -> None:
    """Analyse the night as a whole after Ctrl-C, when all stages have ended: the user wants the result now."""
    from crampwatch.app.final_analysis.worker import finalise_sessions

    console.show_finalising()
    with progress_bar("analysing the night") as progress:
        for final in asyncio.run(finalise_sessions(plan.settings, None, progress)):
            console.show_finalised(final.session, final.counts)
