"""A recording played through a pipeline of its own, started from the page: one at a time."""

import json
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.sessions.schema import ReplayState

__all__ = ["Replay", "ReplayCommand"]

_END_S: Final = 10.0
_ORDERLY: Final = (0, 130, -15)
"""At the end of the recording, by Ctrl-C, by us."""
_SUPERVISED: Final = "CRAMPWATCH_SUPERVISED"
"""Set for a program that ends when its standard input does, as that of every stage: nothing outlives who started it."""
ReplayCommand = Callable[[Path, float], Sequence[str]]
"""Returns the command that plays a file at a speed and tells in JSON Lines when its page is ready."""
_log: Final = logging.getLogger(__name__)


class Replay:
    """The replay that runs, if any.

    Args:
        command: Makes the command.
    """

    def __init__(self, command: ReplayCommand) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._state = ReplayState(state="none")
        self._said = ""
        self._lock = threading.Lock()

    @property
    def state(self) -> ReplayState:
        """What it does now."""
        return self._state

    def start(self, path: Path, speed: float) -> ReplayState:
        """Play a recording; one that is being played is ended first. Blocks until that has ended.

        Raises:
            UnavailableError: The program cannot be started.
        """
        with self._lock:
            self._end()
            self._said = ""
            self._state = ReplayState(state="starting", session=path.stem)
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    list(self._command(path, speed)),
                    stdin=subprocess.PIPE,  # never written to: it ends with this process, however that ends
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=_own_environment(),
                    text=True,
                    start_new_session=os.name == "posix",
                )
            except OSError as error:
                self._state = ReplayState(state="ended", session=path.stem, error=str(error))
                raise UnavailableError(f"The replay cannot be started: {error}.", code="not_started") from error
            threading.Thread(target=self._listen, args=(self._process, path.stem), name="replay", daemon=True).start()
            return self._state

    def stop(self) -> None:
        """End the replay, if there is one. Blocks."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listen(self, process: "subprocess.Popen[str]", session: str) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        with process.stdin, process.stdout:
            for line in process.stdout:
                self._take(process, session, line)
            code = process.wait()
        if process is self._process or self._process is None:
            error = "" if code in _ORDERLY else self._said or f"It ended by itself with exit code {code}."
            self._state = ReplayState(state="ended", session=session, error=error)

    def _take(self, process: "subprocess.Popen[str]", session: str, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            _log.info("the replay said: %.200s", line)
            self._said = line.strip() or self._said
            return
        if told.get("event") == "ready" and process is self._process:
            self._state = ReplayState(state="running", session=session, url=str(told.get("url", "")))


def _own_environment() -> dict[str, str]:
    """Return our environment without our own settings: a replay must never reach the broker of the real nights."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CRAMPWATCH_")}
    return {**others, _SUPERVISED: "1"}
