"""The brokers every bus, store and detector test can run against: our embedded NATS server, and Mosquitto."""

import asyncio
import getpass
import os
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.bus.endpoint import HOST, free_port
from lanes.lanes import require_program
from lanes.patience import PATIENCE_S

BROKERS = ("nats", "mosquitto")


class Broker(Protocol):
    """A broker a test may stop and start."""

    @property
    def address(self) -> BrokerAddress: ...

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Mosquitto:
    """Debian's Mosquitto with a password, persistence and unlimited queues, on a free loopback port.

    Args:
        directory: For its files.
        listener: Further lines of its configuration.
    """

    def __init__(self, directory: Path, listener: str = "") -> None:
        self._listener = listener
        self._program = require_program("mosquitto", "mosquitto")
        self._directory = directory
        self.address = BrokerAddress(HOST, free_port(), "tester", "secret")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def start(self) -> None:
        configuration = self._configure()
        self._process = await asyncio.create_subprocess_exec(
            self._program, "-c", configuration, stderr=asyncio.subprocess.DEVNULL
        )
        async with Bus(self.address, client_id="ready-check", first_timeout_s=PATIENCE_S):
            pass

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    def _configure(self) -> Path:
        self._directory.mkdir(exist_ok=True)
        passwords = self._directory / "passwords"
        tool = require_program("mosquitto_passwd", "mosquitto")
        subprocess.run([tool, "-c", "-b", passwords, "tester", "secret"], check=True)
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.address.port} {HOST}\n{self._listener}allow_anonymous false\npassword_file {passwords}\n"
            f"persistence true\npersistence_location {self._directory}/\nmax_queued_messages 0\n"
            f"user {getpass.getuser()}\nlog_dest none\n",
            "utf-8",
        )
        return configuration


def broker_of(kind: str, directory: Path) -> Broker:
    """Return a broker of a kind, not started."""
    return EmbeddedBroker(directory / "broker") if kind == "nats" else Mosquitto(directory / "broker")


async def kill(broker: Broker) -> None:
    """SIGKILL a broker and wait until it is gone."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    await broker.stop()
