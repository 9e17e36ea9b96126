"""One Bluetooth controller opened through Bumble, shared by all clients and the scanner of a process."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble import core, hci
from bumble.device import Advertisement, Connection, ConnectionParametersPreferences, Device, DeviceConfiguration
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig
from bumble.transport import open_transport
from bumble.transport.common import Transport
from crampwatch.collector.ble.bumble_backend.bonds import AdapterIdentity, BondStore, load_identity
from crampwatch.protocol.errors import UnavailableError

__all__ = ["BumbleAdapter"]

_log = logging.getLogger(__name__)

_OPEN_TIMEOUT_S: Final = 10.0
"""Opening resets the controller; one that does not answer by then never does."""
_CANCEL_TIMEOUT_S: Final = 2.0
"""For commands that clean up: longer would delay the end of the program."""
_RETRY_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to reopen a lost transport; the last repeats."""
_CONNECTION: Final = ConnectionParametersPreferences(
    connection_interval_min=30, connection_interval_max=30, max_latency=0, supervision_timeout=4000
)
"""An interval of 30 ms carries 11 full packets at each event. With a supervision timeout of 4 s a wearer who shields
the sensor for 3 s while turning over does not lose the connection."""

AdvertisementListener = Callable[[Advertisement], None]


class BumbleAdapter:
    """A controller opened through a Bumble transport.

    A transport that is lost (a dongle pulled out) is reopened, however long that takes, and scanning is then resumed.
    Connections that were open have ended, and their clients are called back. Calls fail at once meanwhile.

    Args:
        transport_spec: Any transport of Bumble, such as ``tcp-client:127.0.0.1:41001`` or ``usb:0``.
        bonds: File for the keys of paired sensors; with None they are lost on closing.
    """

    def __init__(self, transport_spec: str, bonds: Path | None = None) -> None:
        self.transport_spec = transport_spec
        self._bonds = bonds
        self._identity = AdapterIdentity.new()
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._keep_open_task: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._listeners: dict[AdvertisementListener, bool] = {}
        self._loss_callbacks: set[Callable[[], None]] = set()
        self._seen_addresses: dict[str, hci.Address] = {}

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether the controller can be used at the moment."""
        return self._device is not None

    @property
    def device(self) -> Device:
        """Bumble's device.

        Raises:
            BleakBluetoothNotAvailableError: The transport is lost, or was never opened.
        """
        if self._device is None:
            raise BleakBluetoothNotAvailableError(
                f"The Bluetooth adapter {self.transport_spec} is not available.",
                BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
            )
        return self._device

    async def open(self) -> None:
        """Open the transport and power the controller.

        Raises:
            UnavailableError: The transport cannot be opened, or no controller answers.
            ConfigurationError: The file of bonds is damaged.
        """
        if self._bonds is not None:
            self._identity = load_identity(self._bonds)
        await self._open_transport()
        self._keep_open_task = asyncio.create_task(self._keep_open(), name=f"bumble adapter {self.transport_spec}")

    async def close(self) -> None:
        """End all connections and close the transport."""
        if self._keep_open_task is not None:
            self._keep_open_task.cancel()
            await asyncio.wait([self._keep_open_task])
            self._keep_open_task = None
        if self._device is not None:
            shutdown = asyncio.create_task(_disconnect_all(self._device))
            await asyncio.wait([shutdown], timeout=_CANCEL_TIMEOUT_S)
            shutdown.cancel()
        await self._drop_transport()

    async def connect(self, address: hci.Address, timeout_s: float) -> Connection:
        """Connect to a sensor; one attempt at a time, others wait for their turn.

        Raises:
            TimeoutError: The sensor did not answer in time.
            BleakBluetoothNotAvailableError: The adapter is not available.
        """
        async with self._connecting:
            device = self.device
            attempt = asyncio.create_task(self._start_connection(device, address))
            try:
                await asyncio.wait([attempt], timeout=timeout_s)
            except asyncio.CancelledError:
                await asyncio.shield(self._cancel_attempt(device, attempt))
                raise
            if not attempt.done():
                await self._cancel_attempt(device, attempt)
                raise TimeoutError(f"{address.to_string(False)} did not answer within {timeout_s:g} s")
            return self._connection_from(attempt)

    async def add_listener(self, listener: AdvertisementListener, *, active: bool) -> None:
        """Call a listener with every advertisement; scanning starts with the first listener.

        Raises:
            BleakBluetoothNotAvailableError: The adapter is not available.
        """
        device = self.device
        self._listeners[listener] = active
        await self._apply_scanning(device)

    async def remove_listener(self, listener: AdvertisementListener) -> None:
        """Stop calling a listener; scanning ends with the last one."""
        if self._listeners.pop(listener, None) is not None and self._device is not None:
            with suppress(core.BaseBumbleError, hci.HCI_Error):
                await self._apply_scanning(self._device)

    def resolve_address(self, text: str) -> hci.Address:
        """Return an address with the type it was last advertised with; an unknown one is assumed to be random."""
        return self._seen_addresses.get(text.upper()) or hci.Address(text, hci.Address.RANDOM_DEVICE_ADDRESS)

    async def rssi_dbm(self, address: str) -> int | None:
        """Return the signal strength of a connection; None if there is no such connection."""
        device = self._device
        connection = None if device is None else device.find_connection_by_bd_addr(self.resolve_address(address))
        if device is None or connection is None:
            return None
        with suppress(core.BaseBumbleError, hci.HCI_Error):
            return int(await device.get_connection_rssi(connection))  # type: ignore[no-untyped-call]  # bumble 0.0.236
        return None

    def add_loss_callback(self, callback: Callable[[], None]) -> None:
        """Call back once when the transport is lost."""
        self._loss_callbacks.add(callback)

    def remove_loss_callback(self, callback: Callable[[], None]) -> None:
        """Do not call back any more."""
        self._loss_callbacks.discard(callback)

    async def _open_transport(self) -> None:
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                self._transport = await open_transport(self.transport_spec)
                device = self._new_device(self._transport)
                await device.power_on()
                device.keystore = self._new_keystore(device)
                await device.refresh_resolving_list()
        except (OSError, ValueError, ImportError, RuntimeError, core.BaseBumbleError, hci.HCI_Error) as error:
            await self._drop_transport()
            raise UnavailableError(
                f"The Bluetooth adapter {self.transport_spec} cannot be opened: {str(error) or type(error).__name__}.",
                advice="Check that the dongle is plugged in and not used by another program, or that the virtual "
                "radio runs.",
            ) from error
        self._device = device
        if self._listeners:
            await self._apply_scanning(device)

    def _new_device(self, transport: Transport) -> Device:
        config = DeviceConfiguration(name="crampwatch", address=self._identity.static_address, irk=self._identity.irk)
        device = Device(config=config, host=Host(transport.source, transport.sink))
        device.keystore = MemoryKeyStore()
        device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=False, bonding=True, identity_address_type=self._address_type(device)
        )
        device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        return device

    def _new_keystore(self, device: Device) -> MemoryKeyStore | BondStore:
        if self._bonds is None:
            return MemoryKeyStore()
        is_public = self._address_type(device) is PairingConfig.AddressType.PUBLIC
        return BondStore(str(device.public_address if is_public else device.static_address), self._bonds)

    def _address_type(self, device: Device) -> PairingConfig.AddressType:
        """Return the public type if the controller has a public address: it never changes, and bonds depend on it."""
        has_public = any(bytes(device.public_address))
        return PairingConfig.AddressType.PUBLIC if has_public else PairingConfig.AddressType.RANDOM

    async def _keep_open(self) -> None:
        """Reopen the transport whenever it is lost."""
        while True:
            if self._transport is not None:
                await asyncio.wait([self._transport.source.terminated])
                _log.warning("The Bluetooth adapter %s is gone; trying to reopen it", self.transport_spec)
            await self._drop_transport()
            await self._reopen_transport()
            _log.info("The Bluetooth adapter %s is back", self.transport_spec)

    async def _reopen_transport(self) -> None:
        attempts = 0
        while True:
            await asyncio.sleep(_RETRY_S[min(attempts, len(_RETRY_S) - 1)])
            attempts += 1
            try:
                await self._open_transport()
            except UnavailableError as error:
                _log.debug("%s", error)
            else:
                return

    async def _drop_transport(self) -> None:
        self._device = None
        for callback in list(self._loss_callbacks):
            callback()
        self._loss_callbacks.clear()
        transport, self._transport = self._transport, None
        if transport is not None:
            with suppress(OSError, core.BaseBumbleError):
                await transport.close()

    async def _start_connection(self, device: Device, address: hci.Address) -> Connection:
        is_public = self._address_type(device) is PairingConfig.AddressType.PUBLIC
        own = hci.OwnAddressType.PUBLIC if is_public else hci.OwnAddressType.RANDOM
        return await device.connect_le(address, {hci.Phy.LE_1M: _CONNECTION}, own_address_type=own, timeout=None)

    async def _cancel_attempt(self, device: Device, attempt: asyncio.Task[Connection]) -> None:
        """Cancel an attempt; a connection that is established all the same is ended."""
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_CANCEL_TIMEOUT_S):
                if not attempt.done():
                    await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                connection = await attempt
                await connection.disconnect()

    def _connection_from(self, attempt: asyncio.Task[Connection]) -> Connection:
        try:
            return attempt.result()
        except (core.BaseBumbleError, hci.HCI_Error, asyncio.CancelledError) as error:
            raise BleakBluetoothNotAvailableError(
                f"The Bluetooth adapter {self.transport_spec} could not connect: {error or 'it was lost'}",
                BleakBluetoothNotAvailableReason.UNKNOWN,
            ) from error

    async def _apply_scanning(self, device: Device) -> None:
        active = any(self._listeners.values())
        if device.is_scanning and (not self._listeners or device.scanning_is_passive == active):
            await device.stop_scanning()
        if self._listeners and not device.is_scanning:
            await device.start_scanning(active=active)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        self._seen_addresses[advertisement.address.to_string(False)] = advertisement.address
        for listener in list(self._listeners):
            listener(advertisement)


async def _disconnect_all(device: Device) -> None:
    """End all connections and switch the controller off.

    To be run as a task of its own, since Bumble cancels whatever waits for it when a transport is lost.
    """
    with suppress(core.BaseBumbleError, hci.HCI_Error):
        for connection in list(device.connections.values()):
            await connection.disconnect()
        await device.power_off()
