"""A real broker and a real page server for tests that control a browser."""

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
from nights.foot_messages import Foot

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
    """The page's server as a separate process, which a test may kill."""

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
        """Start; returns when it answers and is connected to the broker."""
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
    """A broker, a client that publishes for feet, and the server; feet play in real time in a separate thread."""

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
        self._run_on_loop(self._connect())
        self._server = PageServer(self._broker.address, self._directory, token=self._token)
        self._server.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.server.kill()
        self._run_on_loop(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def server(self) -> PageServer:
        assert self._server is not None
        return self._server

    def publish(self, *messages: Message) -> None:
        """Publish messages; returns when the broker has confirmed them."""
        for message in messages:
            self._run_on_loop(self._publish(message))

    def play(self, foot: Foot) -> None:
        """Publish a foot's signal in real time from now on."""

        async def begin() -> None:
            self._playing[foot.sensor] = asyncio.create_task(self._play(foot))

        self._run_on_loop(begin())

    def pause(self, foot: Foot) -> None:
        """Stop publishing a foot's signal."""

        async def end() -> None:
            task = self._playing.pop(foot.sensor)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._run_on_loop(end())

    def publish_samples(self, foot: Foot, seconds: float) -> None:
        """Publish some seconds of a foot's signal at once."""
        self._run_on_loop(self._publish_samples(foot, seconds))

    def _run_on_loop(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _connect(self) -> None:
        await self._broker.start()
        self._bus = await Bus(self._broker.address, client_id="feet").__aenter__()

    async def _disconnect(self) -> None:
        for task in self._playing.values():
            task.cancel()
        await asyncio.gather(*self._playing.values(), return_exceptions=True)
        assert self._bus is not None
        await self._bus.__aexit__(None, None, None)
        await self._broker.stop()

    async def _publish(self, message: Message) -> None:
        assert self._bus is not None
        leaf = Leaf.FEATURES if isinstance(message, Features) else _LEAVES[type(message).__name__]
        await publish_message(self._bus, message, leaf)

    async def _play(self, foot: Foot) -> None:
        begun_s = self._loop.time()
        first = foot.index
        while True:
            await self._publish_samples(foot, 0.3)
            await asyncio.sleep(max(0.0, begun_s + (foot.index - first) / 1000 - self._loop.time()))

    async def _publish_samples(self, foot: Foot, seconds: float) -> None:
        assert self._bus is not None
        for number in range(1, round(seconds * 10) + 1):
            await self._bus.publish(str(Topic(foot.sensor, Leaf.SAMPLES)), foot.block().encode(), qos=1)
            if number % 3 == 0:
                await self._publish(foot.features())


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
