"""Runs the stages as child processes: starts them, restarts what dies, ends them all.

A stage is told to end by closing its standard input, which also happens when this process is killed: no orphan stays
behind, on any system. One that ends by an error that would only repeat itself is not restarted.
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
from crampwatch.app.supervise.restart import StageLife
from crampwatch.protocol.errors import (
    ConfigurationError,
    CrampwatchError,
    RecordingError,
    UnavailableError,
)

__all__ = ["READY_PREFIX", "SUPERVISED", "Stage", "Supervisor", "spawn"]

SUPERVISED: Final = "CRAMPWATCH_SUPERVISED"
"""Set for a child: its standard input is the line to its supervisor."""
READY_PREFIX: Final = "ready "
"""Begins the line on standard output by which a stage that announces itself says where it can be reached."""
FAREWELL_S: Final = 1.5
"""A stage has this long to end by itself before it is killed. Three rounds of it stay under the 5 s a person waits."""
_LAST_OCTETS: Final = 2000
_ERROR_MARK: Final = "crampwatch: "
_log: Final = logging.getLogger(__name__)
_KINDS: Final[dict[int, type[CrampwatchError]]] = {
    ExitCode.USAGE: ConfigurationError,
    ExitCode.BAD_RECORDING: RecordingError,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A child process.

    Attributes:
        name: For people.
        command: Program and arguments.
        output: File its standard error, and output where it does not announce itself, are appended to.
        environment: Added to ours.
        announces: Whether its first line on standard output says that it is ready.
        may_end: Whether it is done, rather than dead, where it ends with code 0.
        rank: Order of ending: those of a lower rank end first, since they still talk to the others while they do.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    announces: bool = False
    may_end: bool = False
    rank: int = 0


@dataclass(slots=True)
class _Kept:
    """A stage, its process as it is now, and what is remembered of it."""

    stage: Stage
    process: Process
    announced: "asyncio.Future[str]"
    done: asyncio.Event = field(default_factory=asyncio.Event)
    life: StageLife = field(default_factory=StageLife)
    keeper: "asyncio.Task[None] | None" = None


class Supervisor:
    """Keeps stages alive within its context.

    Attributes:
        restarts: How often each stage was restarted.
        farewell_s: How long a stage may take to end by itself before it is killed.
    """

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        self.farewell_s = FAREWELL_S
        self._kept: dict[str, _Kept] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._end_all())

    async def start(self, stage: Stage) -> None:
        """Start a stage and keep it running.

        Raises:
            UnavailableError: Its program cannot be started.
        """
        kept = _Kept(stage, await spawn(stage), asyncio.get_running_loop().create_future())
        self._kept[stage.name] = kept
        kept.keeper = asyncio.create_task(self._keep(kept), name=f"keep {stage.name}")

    def change(self, stage: Stage) -> None:
        """Start a stage otherwise from its next start on."""
        self._kept[stage.name].stage = stage

    async def announcement(self, name: str) -> str:
        """Wait until a stage said that it is ready; return what else it said.

        Raises:
            CrampwatchError: A stage cannot be kept running.
        """
        announced = self._kept[name].announced
        failure = asyncio.create_task(self.failure())
        announced.add_done_callback(lambda _: failure.cancel())
        await asyncio.wait([failure])
        if not failure.cancelled():
            failure.result()
        return announced.result()

    async def done(self, name: str) -> None:
        """Wait until a stage that may end has done its work."""
        await self._kept[name].done.wait()

    async def failure(self) -> None:
        """Wait until a stage cannot be kept running.

        Raises:
            CrampwatchError: Always, in the end; with the stage's own words.
        """
        await asyncio.shield(self._failed)

    def pid_of(self, name: str) -> int:
        """Return the process of a stage, as it is now."""
        return self._kept[name].process.pid

    async def end(self, *names: str) -> None:
        """End some stages, and wait until they have ended."""
        chosen = [self._kept.pop(name) for name in names if name in self._kept]
        keepers = [kept.keeper for kept in chosen if kept.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await _end([kept.process for kept in chosen], self.farewell_s)

    async def _keep(self, kept: _Kept) -> None:
        while True:
            began_s = time.monotonic()
            await _listen(kept)
            code = await kept.process.wait()
            if code == ExitCode.OK and kept.stage.may_end:
                kept.done.set()
                return
            pause_s = kept.life.ended(code, lived_s=time.monotonic() - began_s)
            if pause_s is None:
                self._fail(kept.stage, code)
                return
            _log.warning("%s ended with code %d and is restarted in %.1f s", kept.stage.name, code, pause_s)
            await asyncio.sleep(pause_s)
            self.restarts[kept.stage.name] += 1
            kept.process = await spawn(kept.stage)

    def _fail(self, stage: Stage, code: int) -> None:
        if not self._failed.done():
            self._failed.set_exception(_error_of(stage, code))

    async def _end_all(self) -> None:
        for rank in sorted({kept.stage.rank for kept in self._kept.values()}):
            await self.end(*[name for name, kept in self._kept.items() if kept.stage.rank == rank])
        if self._failed.done():
            self._failed.exception()  # seen by now, or of no interest any more
        else:
            self._failed.cancel()


async def _listen(kept: _Kept) -> None:
    """Take a stage's announcement; what it says later on standard output goes nowhere, but never blocks it."""
    if kept.process.stdout is None:
        return
    while line := await kept.process.stdout.readline():
        text = line.decode(errors="replace").rstrip("\n")
        if text.startswith(READY_PREFIX) and not kept.announced.done():
            kept.announced.set_result(text.removeprefix(READY_PREFIX))


async def spawn(stage: Stage) -> Process:
    """Start a stage as a child that ends when this process does.

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
                start_new_session=True,  # Ctrl-C on the terminal reaches us alone: we end the stages in order
            )
        except OSError as error:
            raise UnavailableError(
                f"{stage.name.capitalize()} cannot be started: {error.strerror}.",
                advice=f"The program is {stage.command[0]}.",
            ) from error


async def _end(processes: list[Process], farewell_s: float) -> None:
    """Ask processes to end, and kill those that do not."""
    waiting = {asyncio.create_task(process.wait()): process for process in processes}
    if not waiting:
        return
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    _, late = await asyncio.wait(waiting, timeout=farewell_s)
    for task in late:
        _log.warning("process %d did not end in time and is killed", waiting[task].pid)
        waiting[task].kill()
    if late:
        await asyncio.wait(late)


def _error_of(stage: Stage, code: int) -> CrampwatchError:
    """Return the error a stage ended by: its own words where it found some."""
    words = _last_words(stage.output)
    if code in (*_KINDS, ExitCode.UNAVAILABLE) and _ERROR_MARK in words:
        return _KINDS.get(code, UnavailableError)(words.rpartition(_ERROR_MARK)[2])
    return UnavailableError(
        f"{stage.name.capitalize()} could not run (code {code}): {words}",
        advice=f"Its logs are in {stage.output.parent}.",
    )


def _last_words(output: Path) -> str:
    try:
        text = output.read_bytes()[-_LAST_OCTETS:].decode("utf-8", errors="replace")
    except OSError:
        text = ""
    return " ".join(text.split()) or "it said nothing."
