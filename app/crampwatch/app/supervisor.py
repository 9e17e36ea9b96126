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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from crampwatch.app.exits import NEVER_RETRY
from crampwatch.bus.backoff import backoff_s
from crampwatch.protocol.errors import UnavailableError

__all__ = ["SUPERVISED", "Stage", "Supervisor"]

SUPERVISED: Final = "CRAMPWATCH_SUPERVISED"
"""Set for a child: its standard input is the line to its supervisor."""
FAREWELL_S: Final = 2.0
"""A stage has this long to end by itself, each of two rounds: together they stay under the 5 s a person waits."""
STEADY_S: Final = 20.0
"""A stage that ran this long was well: its next restart is quick again."""
_LAST_LINES: Final = 3
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """A child process.

    Attributes:
        name: For people.
        command: Program and arguments.
        output: File its standard output and error are appended to.
        environment: Added to ours.
        ends_last: Ended only after all others: they still talk to it while they end.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ends_last: bool = False


class Supervisor:
    """Keeps stages alive within its context.

    Attributes:
        restarts: How often each stage was restarted.
    """

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        self._processes: dict[str, Process] = {}
        self._stages: dict[str, Stage] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
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
        self._processes[stage.name] = await _spawn(stage)
        self._stages[stage.name] = stage
        self._keepers[stage.name] = asyncio.create_task(self._keep(stage), name=f"keep {stage.name}")

    async def failure(self) -> None:
        """Wait until a stage cannot be kept running.

        Raises:
            UnavailableError: Always, in the end; with the stage's own words.
        """
        await asyncio.shield(self._failed)

    def pid_of(self, name: str) -> int:
        """Return the process of a stage, as it is now."""
        return self._processes[name].pid

    async def _keep(self, stage: Stage) -> None:
        pauses: Iterator[float] = backoff_s(first_s=0.2, cap_s=10.0)
        while True:
            began_s = time.monotonic()
            code = await self._processes[stage.name].wait()
            if code in NEVER_RETRY:
                self._fail(stage, code)
                return
            _log.warning("%s ended with code %d and is restarted", stage.name, code)
            if time.monotonic() - began_s > STEADY_S:
                pauses = backoff_s(first_s=0.2, cap_s=10.0)
            await asyncio.sleep(next(pauses))
            self.restarts[stage.name] += 1
            self._processes[stage.name] = await _spawn(stage)

    def _fail(self, stage: Stage, code: int) -> None:
        if not self._failed.done():
            self._failed.set_exception(
                UnavailableError(
                    f"{stage.name.capitalize()} could not run (code {code}): {_last_words(stage.output)}",
                    advice=f"Its log is {stage.output}.",
                )
            )

    async def _end_all(self) -> None:
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for is_last in (False, True):
            await _end([self._processes[name] for name, stage in self._stages.items() if stage.ends_last is is_last])
        if self._failed.done():
            self._failed.exception()  # seen by now, or of no interest any more
        else:
            self._failed.cancel()


async def _spawn(stage: Stage) -> Process:
    stage.output.parent.mkdir(parents=True, exist_ok=True)
    with stage.output.open("ab") as output:
        try:
            return await asyncio.create_subprocess_exec(
                *stage.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, **stage.environment, SUPERVISED: "1"},
                start_new_session=True,  # Ctrl-C on the terminal reaches us alone: we end the stages in order
            )
        except OSError as error:
            raise UnavailableError(
                f"{stage.name.capitalize()} cannot be started: {error.strerror}.",
                advice=f"The program is {stage.command[0]}.",
            ) from error


async def _end(processes: list[Process]) -> None:
    """Ask processes to end, and kill those that do not."""
    waiting = {asyncio.create_task(process.wait()): process for process in processes}
    if not waiting:
        return
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    _, late = await asyncio.wait(waiting, timeout=FAREWELL_S)
    for task in late:
        _log.warning("process %d did not end in time and is killed", waiting[task].pid)
        waiting[task].kill()
    if late:
        await asyncio.wait(late)


def _last_words(output: Path) -> str:
    try:
        lines = output.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "it said nothing."
    return " ".join(lines[-_LAST_LINES:]) or "it said nothing."
