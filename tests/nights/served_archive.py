"""Nights and recordings over HTTP, as the page requests them, without the other stages."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from crampwatch.app.config.settings import Settings
from crampwatch.app.stages.web_archive import archive_options
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import JournalEntry
from crampwatch.store.sqlite.store import SqliteStore
from crampwatch.web.access.auth import HostRule
from crampwatch.web.app import create_app
from crampwatch.web.archive import Archive
from crampwatch.web.http.assets import Asset
from crampwatch.web.http.openapi import build_routes, description_operation
from crampwatch.web.live.model import LiveModel
from crampwatch.web.sessions.replay import ReplayCommand
from crampwatch.web.stream.sse import Hub

__all__ = ["Served"]


class Served:
    """The archive behind the complete application, on a real socket; publications are only collected in a list.

    Args:
        data: The data folder.
        replay: Command that replaces a replay's pipeline; None for the real one.
    """

    def __init__(self, data: Path, *, replay: ReplayCommand | None = None) -> None:
        self.published: list[JournalEntry] = []
        self.broker_is_there = True
        store = SqliteStore(data / "store.sqlite", read_only=True)
        options = archive_options(Settings(data=data), store)
        self.archive = Archive(replace(options, replay=replay) if replay else options, self._publish)
        operations = self.archive.operations()
        app = create_app(
            assets={"index.html": Asset(b"", b"", "text/html", '"0"')},
            hub=Hub(LiveModel(now_ns=time.time_ns(), utc_offset_s=0)),
            hosts=HostRule(),
            routes=build_routes([*operations, description_operation(operations, version="0")]),
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="served")
        self.client = httpx.Client(base_url=self.url, headers={"X-Crampwatch": "1"}, timeout=30)

    def __enter__(self) -> Self:
        self._thread.start()
        until_s = time.monotonic() + 60
        while any(row["recorded_s"] is None and row["state"] == "ended" for row in self.ask("sessions")["sessions"]):
            assert time.monotonic() < until_s
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def ask(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def _serve(self) -> None:
        running = asyncio.create_task(self.archive.run())
        await self._server.serve([self._listener])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def _publish(self, entries: Sequence[JournalEntry]) -> None:
        if not self.broker_is_there:
            raise UnavailableError("The broker is not connected.")
        self.published += entries

    def until(self, path: str, condition: Callable[[Any], Any], *, timeout_s: float = 60.0) -> Any:
        """Repeat a request until its answer meets a condition; return it."""
        until_s = time.monotonic() + timeout_s
        while not condition(answer := self.ask(path)):
            assert time.monotonic() < until_s, answer
            time.sleep(0.05)
        return answer
