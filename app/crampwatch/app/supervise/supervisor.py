"""Runs stages as child processes: starts them, restarts those that die, and ends them all.

Each stage moves through these states:

    starting --> running --> ended with code 0, and the stage may end --> done
        ^           |
        |           +------> ended otherwise --> waiting (see restart_policy) --> starting
        |                          |
        +--------------------------+-----------> given up: the whole run fails with the stage's own error message

Invariants:

- No process is left behind, on any system, even when this process is killed: a stage ends when its standard input ends,
  and the other end of that pipe is held by this process alone.
- Stages get no signals from the terminal (they run in a session of their own), so that Ctrl-C reaches the supervisor
  alone, which then ends them in their order.
- Whatever a stage writes goes to a file, or is read here continuously: a full pipe never blocks a stage.
"""

import asyncio
import logging
import os
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.runtime.supervised import READY_PREFIX, SUPERVISED
from crampwatch.app.supervise.restart_policy import StageHistory
from crampwatch.protocol.errors import (
    ConfigurationError,
    CrampwatchError,
    RecordingError,
    UnavailableError,
)

__all__ = ["Stage", "Supervisor", "spawn"]

DEFAULT_GRACE_S: Final = 1.5
"""Three rounds of it, one per rank, stay below the 5 s within which everything ends after Ctrl-C."""
_ERROR_TAIL_BYTES: Final = 2000
"""How much of a stage's error output is searched for its last message; the longest message has a few hundred."""
_ERROR_MARK: Final = "crampwatch: "
"""Starts the message of an expected error, see `crampwatch.app.cli.main`."""
_log: Final = logging.getLogger(__name__)
_ERRORS: Final[dict[int, type[CrampwatchError]]] = {
    ExitCode.USAGE: ConfigurationError,
    ExitCode.UNAVAILABLE: UnavailableError,
    ExitCode.BAD_RECORDING: RecordingError,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """How to run a child process.

    Attributes:
        name: Shown to people, and unique within a supervisor.
        command: Program and arguments.
        output: File to which standard error is appended; standard output as well, unless the stage announces itself.
        environment: Added to our own.
        announces: Whether the stage writes a line to standard output when it is ready, see `runtime.supervised`.
        may_end: Whether exit code 0 means that its work is done; otherwise it is restarted after any end.
        rank: Stages of a lower rank end first.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    announces: bool = False
    may_end: bool = False
    rank: int = 0


@dataclass(slots=True)
class _Child:
    """A stage with its current process."""

    stage: Stage
    process: Process
    announced: "asyncio.Future[str]"
    done: asyncio.Event = field(default_factory=asyncio.Event)
    history: StageHistory = field(default_factory=StageHistory)
    watcher: "asyncio.Task[None] | None" = None


class Supervisor:
    """Runs stages within its context, and ends them all when the context is left.

    Attributes:
        restarts: How often each stage was restarted.
        grace_s: How long a stage may take to end by itself before it is killed; may be changed at any time.
    """

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        self.grace_s = DEFAULT_GRACE_S
        self._children: dict[str, _Child] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._end_all())

    async def start(self, stage: Stage) -> None:
        """Start a stage and keep it running from then on.

        Raises:
            UnavailableError: Its program cannot be started.
        """
        child = _Child(stage, await spawn(stage), asyncio.get_running_loop().create_future())
        self._children[stage.name] = child
        child.watcher = asyncio.create_task(self._keep_running(child), name=f"watch {stage.name}")

    def replace(self, stage: Stage) -> None:
        """Use another command or environment for the stage of this name, from its next start on."""
        self._children[stage.name].stage = stage

    async def wait_announced(self, name: str) -> str:
        """Wait until a stage has announced itself; return the detail that it announced.

        Raises:
            CrampwatchError: Some stage was given up.
        """
        announced = self._children[name].announced
        failure = asyncio.create_task(self.wait_failed())
        announced.add_done_callback(lambda _: failure.cancel())
        await asyncio.wait([failure])
        if not failure.cancelled():
            failure.result()
        return announced.result()

    async def wait_done(self, name: str) -> None:
        """Wait until a stage that may end has done its work."""
        await self._children[name].done.wait()

    async def wait_failed(self) -> None:
        """Wait until a stage is given up; never returns otherwise.

        Raises:
            CrampwatchError: Always, with the stage's own message.
        """
        await asyncio.shield(self._failed)

    def pid_of(self, name: str) -> int:
        """Return the id of a stage's current process."""
        return self._children[name].process.pid

    async def end(self, *names: str) -> None:
        """End some stages, side by side, and wait until they have ended."""
        children = [self._children.pop(name) for name in names if name in self._children]
        watchers = [child.watcher for child in children if child.watcher is not None]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await _end_processes([child.process for child in children], self.grace_s)

    async def _keep_running(self, child: _Child) -> None:
        while True:
            started_s = time.monotonic()
            await _read_announcement(child)
            code = await child.process.wait()
            if code == ExitCode.OK and child.stage.may_end:
                child.done.set()
                return
            pause_s = child.history.pause_after_end_s(code, ran_s=time.monotonic() - started_s)
            if pause_s is None:
                self._give_up(child.stage, code)
                return
            _log.warning("%s ended with code %d; restarting it in %.1f s", child.stage.name, code, pause_s)
            await asyncio.sleep(pause_s)
            self.restarts[child.stage.name] += 1
            child.process = await spawn(child.stage)

    def _give_up(self, stage: Stage, code: int) -> None:
        if not self._failed.done():
            self._failed.set_exception(_error_of(stage, code))

    async def _end_all(self) -> None:
        for rank in sorted({child.stage.rank for child in self._children.values()}):
            await self.end(*[name for name, child in self._children.items() if child.stage.rank == rank])
        if self._failed.done():
            self._failed.exception()  # marks it as retrieved: asyncio would log an exception that nobody waited for
        else:
            self._failed.cancel()


async def _read_announcement(child: _Child) -> None:
    """Read standard output to its end: the announcement is recorded, everything else discarded."""
    if child.process.stdout is None:
        return
    while line := await child.process.stdout.readline():
        text = line.decode(errors="replace").rstrip("\n")
        if text.startswith(READY_PREFIX) and not child.announced.done():
            child.announced.set_result(text.removeprefix(READY_PREFIX))


async def spawn(stage: Stage) -> Process:
    """Start a stage as a child process that ends when this process does; it is not restarted.

    Raises:
        UnavailableError: Its program cannot be started.
    """
    stage.output.parent.mkdir(parents=True, exist_ok=True)
    with stage.output.open("ab") as output:
        try:
            return await asyncio.create_subprocess_exec(
                *stage.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if stage.announces else output,
                stderr=output,
                env={**os.environ, **stage.environment, SUPERVISED: "1"},
                start_new_session=True,  # no Ctrl-C from the terminal, see above
            )
        except OSError as error:
            raise UnavailableError(
                f"The stage {stage.name} cannot be started: {error.strerror}.",
                advice=f"Its program is {stage.command[0]}.",
            ) from error


async def _end_processes(processes: list[Process], grace_s: float) -> None:
    """Close the standard input of processes, which asks them to end; kill those that have not ended in time."""
    waiting = {asyncio.create_task(process.wait()): process for process in processes}
    if not waiting:
        return
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    _, late = await asyncio.wait(waiting, timeout=grace_s)
    for task in late:
        _log.warning("process %d did not end within %.1f s; killing it", waiting[task].pid, grace_s)
        waiting[task].kill()
    if late:
        await asyncio.wait(late)


def _error_of(stage: Stage, code: int) -> CrampwatchError:
    """Return the error by which a stage ended, with the stage's own message where it wrote one."""
    text = _last_output(stage.output)
    if code in _ERRORS and _ERROR_MARK in text:
        return _ERRORS[code](text.rpartition(_ERROR_MARK)[2])
    return UnavailableError(
        f"The stage {stage.name} could not run (exit code {code}): {text or 'it wrote no message.'}",
        advice=f"Its logs are in {stage.output.parent}.",
    )


def _last_output(output: Path) -> str:
    """Return the end of a stage's error output as one line; empty where there is none."""
    try:
        text = output.read_bytes()[-_ERROR_TAIL_BYTES:].decode("utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text.split())
