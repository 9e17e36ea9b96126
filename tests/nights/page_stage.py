"""A broker and the page's server, both real, beside a test that drives a browser."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus, publish_message
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.bus.endpoint import free_port
from crampwatch.protocol.messages import Features, Message
from crampwatch.protocol.topics import Leaf, Topic
from lanes.patience import PATIENCE_S
from nights.page_feed import Foot

_SERVER: Final = """
import asyncio, pathlib, sys
from crampwatch.bus.address import BrokerAddress
from crampwatch.web.service import WebOptions, run
broker, port, data, token = sys.argv[1:]
options = WebOptions(
    BrokerAddress.parse(broker), port=int(port), data=pathlib.Path(data), access_token=token or None
)
asyncio.run(run(options, stop=asyncio.Event()))
"""
Result = TypeVar("Result")


class PageServer:
    """The page's server as a process of its own, that a test may kill."""

    def __init__(self, broker: BrokerAddress, data: Path, *, token: str = "") -> None:
        self.port = free_port()
        self.data = data
        self._token = token
        self._broker = broker
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return when it answers and hears the broker."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", _SERVER, self._broker.url, str(self.port), str(self.data), self._token]
        self._process = subprocess.Popen(command, env=environment)
        until_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, "the page's server ended"
            assert time.monotonic() < until_s, "the page's server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}api/v1/health", timeout=5) as answer:
                return json.load(answer)["broker"] is True
        except urllib.error.HTTPError as error:
            return error.code == HTTPStatus.UNAUTHORIZED and self._token != ""
        except (urllib.error.URLError, OSError):
            return False


class Stage:
    """A broker, a client that speaks for feet, and the server; feet play in real time in a thread of their own."""

    def __init__(self, directory: Path, *, token: str = "") -> None:
        self._token = token
        self._loop = asyncio.new_event_loop()
        self._directory = directory
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage")
        self._broker = EmbeddedBroker(directory / "broker")
        self._bus: Bus | None = None
        self._playing: dict[str, asyncio.Task[None]] = {}
        self._server: PageServer | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._begin())
        self._server = PageServer(self._broker.address, self._directory, token=self._token)
        self._server.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.server.kill()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def server(self) -> PageServer:
        assert self._server is not None
        return self._server

    def tell(self, *messages: Message) -> None:
        """Publish messages, and return when the broker has them."""
        for message in messages:
            self._do(self._tell(message))

    def play(self, foot: Foot) -> None:
        """Let a foot's signal run from now on."""

        async def begin() -> None:
            self._playing[foot.sensor] = asyncio.create_task(self._play(foot))

        self._do(begin())

    def pause(self, foot: Foot) -> None:
        """Let a foot fall silent."""

        async def end() -> None:
            task = self._playing.pop(foot.sensor)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._do(end())

    def fill(self, foot: Foot, seconds: float) -> None:
        """Tell at once what a foot did for some seconds."""
        self._do(self._fill(foot, seconds))

    def _do(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _begin(self) -> None:
        await self._broker.start()
        self._bus = await Bus(self._broker.address, client_id="feet").__aenter__()

    async def _end(self) -> None:
        for task in self._playing.values():
            task.cancel()
        await asyncio.gather(*self._playing.values(), return_exceptions=True)
        assert self._bus is not None
        await self._bus.__aexit__(None, None, None)
        await self._broker.stop()

    async def _tell(self, message: Message) -> None:
        assert self._bus is not None
        leaf = Leaf.FEATURES if isinstance(message, Features) else _LEAVES[type(message).__name__]
        await publish_message(self._bus, message, leaf)

    async def _play(self, foot: Foot) -> None:
        begun_s = self._loop.time()
        first = foot.index
        while True:
            await self._fill(foot, 0.3)
            await asyncio.sleep(max(0.0, begun_s + (foot.index - first) / 1000 - self._loop.time()))

    async def _fill(self, foot: Foot, seconds: float) -> None:
        assert self._bus is not None
        for number in range(1, round(seconds * 10) + 1):
            await self._bus.publish(str(Topic(foot.sensor, Leaf.SAMPLES)), foot.block().encode(), qos=1)
            if number % 3 == 0:
                await self._tell(foot.features())


_LEAVES: Final = {
    "SensorInfo": Leaf.INFO,
    "SensorState": Leaf.STATE,
    "Temperature": Leaf.TEMPERATURE,
    "Battery": Leaf.BATTERY,
    "Link": Leaf.LINK,
    "Episode": Leaf.EPISODE,
    "Notice": Leaf.NOTICE,
    "ServiceStatus": Leaf.STATUS,
}
