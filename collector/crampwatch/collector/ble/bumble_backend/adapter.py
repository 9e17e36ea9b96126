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
_CANCEL_TIMEOUT_S: Final = 2.0
_RETRY_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to reopen a lost transport; the last repeats."""
_CONNECTION: Final = ConnectionParametersPreferences(
    connection_interval_min=30, connection_interval_max=30, max_latency=0, supervision_timeout=4000
)
"""30 ms carries 11 full packets an event, and a wearer turning over for 3 s does not end the connection."""

AdvertisementListener = Callable[[Advertisement], None]


class BumbleAdapter:
    """A controller, from a Bumble transport.

    While it is open it reopens a transport that was lost, as long as that takes, and resumes scanning; connections that
    were open are gone and say so. What is asked of it meanwhile fails at once.

    Args:
        transport_spec: Any of Bumble's, such as ``tcp-client:127.0.0.1:41001`` or ``usb:0``.
        bonds: Where the keys of paired sensors are kept; None forgets them on closing.
    """

    def __init__(self, transport_spec: str, bonds: Path | None = None) -> None:
        self.transport_spec = transport_spec
        self._bonds = bonds
        self._identity = AdapterIdentity.new()
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._listeners: dict[AdvertisementListener, bool] = {}
        self._loss_callbacks: set[Callable[[], None]] = set()
        self._seen: dict[str, hci.Address] = {}

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether the controller can be used now."""
        return self._device is not None

    @property
    def device(self) -> Device:
        """Bumble's device.

        Raises:
            BleakBluetoothNotAvailableError: The transport is lost, or was never opened.
        """
        if self._device is None:
            raise BleakBluetoothNotAvailableError(
                f"The Bluetooth adapter {self.transport_spec} is not there.",
                BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
            )
        return self._device

    async def open(self) -> None:
        """Open the transport and power the controller.

        Raises:
            UnavailableError: Nothing answers there.
            ConfigurationError: The bonds are damaged.
        """
        if self._bonds is not None:
            self._identity = load_identity(self._bonds)
        await self._open_transport()
        self._keeper = asyncio.create_task(self._keep_open(), name=f"bumble adapter {self.transport_spec}")

    async def close(self) -> None:
        """Give the controller back; connections that are open end."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        if self._device is not None:
            goodbye = asyncio.create_task(_say_goodbye(self._device))
            await asyncio.wait([goodbye], timeout=_CANCEL_TIMEOUT_S)
            goodbye.cancel()
        await self._drop_transport()

    async def connect(self, address: hci.Address, timeout_s: float) -> Connection:
        """Connect to a sensor; one attempt at a time, the others wait for their turn.

        Raises:
            TimeoutError: It did not answer in time.
            BleakBluetoothNotAvailableError: The adapter is not there.
        """
        async with self._connecting:
            device = self.device
            attempt = asyncio.create_task(self._connect(device, address))
            try:
                await asyncio.wait([attempt], timeout=timeout_s)
            except asyncio.CancelledError:
                await asyncio.shield(self._cancel(device, attempt))
                raise
            if not attempt.done():
                await self._cancel(device, attempt)
                raise TimeoutError(f"{address.to_string(False)} did not answer within {timeout_s:g} s")
            return self._result(attempt)

    async def listen(self, listener: AdvertisementListener, *, active: bool) -> None:
        """Scan, and hand every advertisement to a listener too.

        Raises:
            BleakBluetoothNotAvailableError: The adapter is not there.
        """
        device = self.device
        self._listeners[listener] = active
        await self._scan(device)

    async def unlisten(self, listener: AdvertisementListener) -> None:
        """Stop handing advertisements to a listener; without any, scanning ends."""
        if self._listeners.pop(listener, None) is not None and self._device is not None:
            with suppress(core.BaseBumbleError, hci.HCI_Error):
                await self._scan(self._device)

    def address(self, text: str) -> hci.Address:
        """Return an address with its type, as last heard; one never heard of is taken to be random."""
        return self._seen.get(text.upper()) or hci.Address(text, hci.Address.RANDOM_DEVICE_ADDRESS)

    async def rssi_dbm(self, address: str) -> int | None:
        """Return the strength of a connection's signal; None where there is no such connection."""
        device = self._device
        connection = None if device is None else device.find_connection_by_bd_addr(self.address(address))
        if device is None or connection is None:
            return None
        with suppress(core.BaseBumbleError, hci.HCI_Error):
            return int(await device.get_connection_rssi(connection))  # type: ignore[no-untyped-call]  # bumble 0.0.236
        return None

    def on_loss(self, callback: Callable[[], None]) -> None:
        """Call back when the transport is lost."""
        self._loss_callbacks.add(callback)

    def not_on_loss(self, callback: Callable[[], None]) -> None:
        """Call back no more."""
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
            await self._scan(device)

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
        """Prefer the controller's own address: it stays the same."""
        has_public = any(bytes(device.public_address))
        return PairingConfig.AddressType.PUBLIC if has_public else PairingConfig.AddressType.RANDOM

    async def _keep_open(self) -> None:
        """Reopen the transport whenever it is lost."""
        while True:
            if self._transport is not None:
                await asyncio.wait([self._transport.source.terminated])
                _log.warning("The Bluetooth adapter %s is gone; trying to reopen it", self.transport_spec)
            await self._drop_transport()
            await self._reopen()
            _log.info("The Bluetooth adapter %s is back", self.transport_spec)

    async def _reopen(self) -> None:
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

    async def _connect(self, device: Device, address: hci.Address) -> Connection:
        is_public = self._address_type(device) is PairingConfig.AddressType.PUBLIC
        own = hci.OwnAddressType.PUBLIC if is_public else hci.OwnAddressType.RANDOM
        return await device.connect_le(address, {hci.Phy.LE_1M: _CONNECTION}, own_address_type=own, timeout=None)

    async def _cancel(self, device: Device, attempt: asyncio.Task[Connection]) -> None:
        """Give up an attempt; a connection that is made all the same is ended."""
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_CANCEL_TIMEOUT_S):
                if not attempt.done():
                    await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                connection = await attempt
                await connection.disconnect()

    def _result(self, attempt: asyncio.Task[Connection]) -> Connection:
        try:
            return attempt.result()
        except (core.BaseBumbleError, hci.HCI_Error, asyncio.CancelledError) as error:
            raise BleakBluetoothNotAvailableError(
                f"The Bluetooth adapter {self.transport_spec} could not connect: {error or 'it is gone'}",
                BleakBluetoothNotAvailableReason.UNKNOWN,
            ) from error

    async def _scan(self, device: Device) -> None:
        active = any(self._listeners.values())
        if device.is_scanning and (not self._listeners or device.scanning_is_passive == active):
            await device.stop_scanning()
        if self._listeners and not device.is_scanning:
            await device.start_scanning(active=active)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        self._seen[advertisement.address.to_string(False)] = advertisement.address
        for listener in list(self._listeners):
            listener(advertisement)


async def _say_goodbye(device: Device) -> None:
    """End all connections; a task of its own, since Bumble cancels what waits when a transport is lost."""
    with suppress(core.BaseBumbleError, hci.HCI_Error):
        for connection in list(device.connections.values()):
            await connection.disconnect()
        await device.power_off()
