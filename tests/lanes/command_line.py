"""Commands as a user runs them: real processes, their output, their children, and what they leave behind."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from crampwatch.bus.endpoint import free_port

PROGRAM = (sys.executable, "-P", "-m", "crampwatch.app")
PATIENCE_S = 120.0
"""Machines that test are small and busy; what is said to be fast is asserted on its own."""


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which the commands find this source tree, and no settings of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRAMPWATCH_", "DISPLAY"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part), **more}


def command(
    *arguments: str | Path | float, env: Mapping[str, str] | None = None, timeout_s: float = PATIENCE_S
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        env=environment(**(env or {})),
    )


@dataclass
class Running:
    """A command that runs, speaking JSON Lines."""

    process: "subprocess.Popen[str]"
    events: list[dict[str, Any]] = field(default_factory=list)
    _queue: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)

    def until(self, event: str, *, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next event of a kind."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            printed = self._queue.get(timeout=max(0.01, deadline_s - time.monotonic()))
            if printed is None:
                pytest.fail(f"It ended without {event!r}; it said {self.events}, {self.errors()}")
            self.events.append(printed)
            if printed["event"] == event:
                return printed

    def end(self, *, timeout_s: float = PATIENCE_S) -> int:
        """Wait until it has ended; return its exit code."""
        return self.process.wait(timeout_s)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def errors(self) -> str:
        """Return what it said on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def children(self) -> dict[str, int]:
        """Return the processes of its stages, by name."""
        return {stage_of(pid): pid for pid in _children(self.process.pid) if stage_of(pid)}


@contextmanager
def running(*arguments: str | Path | float) -> Iterator[Running]:
    """Run a command beside the test; whatever it started is gone afterwards."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests run side by side, and the page's usual port is there once.
        env=environment(CRAMPWATCH_WEB_PORT=str(free_port())),
        start_new_session=True,
    )
    run = Running(process)
    reader = threading.Thread(target=run.read)
    reader.start()
    try:
        yield run
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()


def alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stage_of(pid: int) -> str:
    """Return which stage a process is; empty for any other."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    names = [words[place + 1] for place, word in enumerate(words[:-1]) if word == b"crampwatch.app"]
    return names[0].decode() if names else ""


def processes_in(folder: Path) -> list[int]:
    """Return the processes that mention a folder on their command line or in their environment."""
    return [pid for pid in _pids() if pid != os.getpid() and _mentions(pid, str(folder).encode())]


def wait_gone(pids: list[int], *, timeout_s: float) -> list[int]:
    """Wait until processes have ended; return those that have not."""
    deadline_s = time.monotonic() + timeout_s
    while any(map(alive, pids)) and time.monotonic() < deadline_s:
        time.sleep(0.05)  # not our children: nobody tells us of their end
    return [pid for pid in pids if alive(pid)]


def _mentions(pid: int, text: bytes) -> bool:
    try:
        return any(text in Path(f"/proc/{pid}/{part}").read_bytes() for part in ("cmdline", "environ")) and alive(pid)
    except OSError:
        return False


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _children(parent: int) -> list[int]:
    return [pid for pid in _pids() if _parent(pid) == parent]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
