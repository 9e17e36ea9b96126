"""Replay of a recording, started from the page: a separate pipeline in a child process, one at a time.

The child runs the whole pipeline (broker, detector, page) on separate ports, so a replay can never mix with the
night being recorded. It is started with our environment without the crampwatch settings, for the same reason: none of
them, such as the broker's address, may reach it. It reports on standard output in JSON Lines when its page is ready.
"""

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

_END_TIMEOUT_S: Final = 10.0
"""A replay that has not ended by then is killed."""
_NORMAL_EXIT_CODES: Final = (0, 130, -15)
"""End of the recording, Ctrl-C, terminated by us."""
_SUPERVISED: Final = "CRAMPWATCH_SUPERVISED"
"""If set, a crampwatch process ends when its standard input closes, so that it never outlives its parent."""
ReplayCommand = Callable[[Path, float], Sequence[str]]
"""Returns the command that replays a file at a speed, and reports in JSON Lines when its page is ready."""
_log: Final = logging.getLogger(__name__)


class Replay:
    """The running replay, if any.

    Args:
        command: Returns the command line.
    """

    def __init__(self, command: ReplayCommand) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._state = ReplayState(state="none")
        self._last_line = ""
        self._lock = threading.Lock()

    @property
    def state(self) -> ReplayState:
        """Current state."""
        return self._state

    def start(self, path: Path, speed: float) -> ReplayState:
        """Replay a recording; a running replay is ended first. Blocks until that has ended.

        Raises:
            UnavailableError: The process cannot be started.
        """
        with self._lock:
            self._stop_process()
            self._last_line = ""
            self._state = ReplayState(state="starting", session=path.stem)
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    list(self._command(path, speed)),
                    stdin=subprocess.PIPE,  # never written to: it ends with this process, however that ends
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=_child_environment(),
                    text=True,
                    start_new_session=os.name == "posix",
                )
            except OSError as error:
                self._state = ReplayState(state="ended", session=path.stem, error=str(error))
                raise UnavailableError(f"The replay cannot be started: {error}.", code="not_started") from error
            threading.Thread(
                target=self._read_output, args=(self._process, path.stem), name="replay", daemon=True
            ).start()
            return self._state

    def stop(self) -> None:
        """End the replay, if there is one. Blocks until it has ended."""
        with self._lock:
            self._stop_process()

    def _stop_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _read_output(self, process: "subprocess.Popen[str]", session: str) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        with process.stdin, process.stdout:
            for line in process.stdout:
                self._handle_line(process, session, line)
            code = process.wait()
        if process is self._process or self._process is None:
            error = "" if code in _NORMAL_EXIT_CODES else self._last_line or f"The replay ended with exit code {code}."
            self._state = ReplayState(state="ended", session=session, error=error)

    def _handle_line(self, process: "subprocess.Popen[str]", session: str, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            _log.info("output of the replay: %.200s", line)
            self._last_line = line.strip() or self._last_line
            return
        if event.get("event") == "ready" and process is self._process:
            self._state = ReplayState(state="running", session=session, url=str(event.get("url", "")))


def _child_environment() -> dict[str, str]:
    """Return the environment without crampwatch's settings: a replay must never reach the broker of real nights."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRAMPWATCH_")}
    return {**inherited, _SUPERVISED: "1"}
