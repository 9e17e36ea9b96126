"""Virtual controllers for other processes: HCI (H4) over loopback TCP, one controller per connection.

A process that dies closes its connection. Its controller then goes silent, and the sensors that it was connected to
notice by their supervision timeout, as on a real radio.
"""

import asyncio
import logging
from typing import Final

from bumble import core, hci
from bumble.transport.common import PacketParser
from crampwatch.firmware_sim.radio.air import Air
from crampwatch.firmware_sim.radio.controller import AirController
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["HciServer"]

_log = logging.getLogger(__name__)

_MAX_HOSTS: Final = 16
"""More than any test or demonstration needs."""


class HciServer:
    """Accepts hosts, such as that of a collector.

    Args:
        air: Shared by the controllers of all hosts.
    """

    def __init__(self, air: Air) -> None:
        self._air = air
        self._slots: set[int] = set()
        self._hosts: set[_RemoteHost] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """``HOST:PORT`` that the server listens on.

        Raises:
            UnavailableError: It is not listening.
        """
        if self._server is None:
            raise UnavailableError("The virtual radio is not running.")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def start(self, listen: str) -> None:
        """Listen on ``HOST:PORT``; port 0 takes a free one.

        Raises:
            ConfigurationError: Not ``HOST:PORT``.
            UnavailableError: The address cannot be bound.
        """
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 0xFFFF:
            raise ConfigurationError(
                f"The virtual radio cannot listen on {listen!r}.", advice="Write HOST:PORT, such as 127.0.0.1:41001."
            )
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._new_host, host, int(port))
        except OSError as error:
            raise UnavailableError(
                f"The virtual radio cannot listen on {listen}: {error.strerror or error}.",
                advice="Choose another port, or end the program that uses this one.",
            ) from error

    async def stop(self) -> None:
        """Stop listening and take every controller off the air."""
        if self._server is not None:
            self._server.close()
            for host in list(self._hosts):
                host.close()
            await self._server.wait_closed()
            self._server = None

    def attach(self, host: "_RemoteHost") -> AirController | None:
        """Create a controller for a host; None if there are too many.

        It gets the lowest free address, so that a host that returns finds its bonds.
        """
        free = [slot for slot in range(1, _MAX_HOSTS + 1) if slot not in self._slots]
        if not free:
            return None
        host.slot = free[0]
        self._slots.add(host.slot)
        self._hosts.add(host)
        address = hci.Address(f"02:C7:A3:00:00:{host.slot:02X}", hci.Address.PUBLIC_DEVICE_ADDRESS)
        return AirController(f"host {host.slot}", self._air, address)

    def detach(self, host: "_RemoteHost") -> None:
        """Take a host's controller off the air."""
        self._slots.discard(host.slot)
        self._hosts.discard(host)
        if host.controller is not None:
            self._air.detach(host.controller)

    def _new_host(self) -> "_RemoteHost":
        return _RemoteHost(self)


class _RemoteHost(asyncio.Protocol):
    """A host at the other end of a TCP connection."""

    def __init__(self, server: HciServer) -> None:
        self.slot = 0
        self.controller: AirController | None = None
        self._server = server
        self._parser = PacketParser()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.controller = self._server.attach(self)
        if self.controller is None:
            _log.warning("Refused a host: %d are already connected", _MAX_HOSTS)
            transport.close()
            return
        self._parser.set_packet_sink(self.controller)
        self.controller.set_packet_sink(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except core.InvalidPacketError as error:
            _log.warning("Disconnected a host that does not speak HCI: %s", error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            _log.info("Lost the connection to a host: %s", exc)
        self._server.detach(self)

    def on_packet(self, packet: bytes) -> None:
        """Send a packet of the controller to the host."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()
