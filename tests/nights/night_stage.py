"""The page's server with nights to show, the store for notes, and a broker: real processes that a test may kill."""

import asyncio
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crampwatch.bus.embedded import saved_address
from crampwatch.bus.endpoint import free_port
from lanes.command_line import PROGRAM, environment
from lanes.patience import PATIENCE_S, until_online

__all__ = ["NightStage"]


class NightStage:
    """Serves a data folder.

    Args:
        data: Folder with `sessions` and `store.sqlite`.
        with_store: Whether to start the store, which saves notes.
    """

    def __init__(self, data: Path, *, with_store: bool = True) -> None:
        self.data = data
        self.port = free_port()
        self._broker_port = free_port()
        self._with_store = with_store
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.start("broker", "--broker-port", str(self._broker_port))
        self._until(lambda: _is_open(self._broker_port))
        if self._with_store:
            self.start("store")
            self._until_store_listens()
        self.start_page()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for name in reversed(self._processes.copy()):
            if name == "broker":
                self._processes[name].terminate()  # killed, it would leave the server it started behind
                self._processes.pop(name).wait(20)
            else:
                self.kill(name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start_page(self) -> None:
        """Start the server; returns when it answers and is connected to the broker."""
        self.start("web", "--port", str(self.port), "--no-browser")
        self._until(lambda: self.ask("health")["broker"] is True)

    def start(self, name: str, *arguments: str) -> None:
        command = [*PROGRAM, name, "--data", str(self.data), "--log-level", "warning", *arguments]
        broker = {} if name == "broker" else {"CRAMPWATCH_BROKER_PORT": str(self._broker_port)}
        self._processes[name] = subprocess.Popen(command, env=environment(**broker))

    def kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}api/v1/{path}", timeout=20) as answer:
            return json.load(answer)

    def until_read(self, night: str, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a night's recordings have been read."""
        self._until(lambda: self.ask(f"nights/{night}")["read"] == 1.0, timeout_s=timeout_s)

    def _until_store_listens(self) -> None:
        """Wait until the store has subscribed: a note published before that would be lost."""
        address = saved_address(self.data / "broker")
        assert address is not None
        asyncio.run(until_online(address, "store"))

    def _until(self, condition: Any, *, timeout_s: float = PATIENCE_S) -> None:
        until_s = time.monotonic() + timeout_s
        while True:
            try:
                if condition():
                    return
            except (urllib.error.URLError, OSError):
                pass  # not yet
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} ended"
            assert time.monotonic() < until_s, "it takes too long"
            time.sleep(0.05)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
