"""bleak's client on a :class:`BumbleAdapter`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, gatt_client, hci
from bumble.device import Connection
from bumble.keys import KeyStore
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter

__all__ = ["BumbleClient"]

_log = logging.getLogger(__name__)

_MTU: Final = 517
"""Largest MTU that the attribute protocol allows."""
_DATA_BYTES, _DATA_TIME_US = 251, 2120
"""Longest link-layer packet, and the time it takes at 1 Mbit/s: whole frames fit into one."""
_DISCONNECT_TIMEOUT_S: Final = 5.0
Result = TypeVar("Result")


class BumbleClient(BaseBleakClient):
    """Use as ``BleakClient(device, ..., **client_arguments(adapter))``.

    A connection to a bonded sensor is encrypted before anything else is done. As on BlueZ the disconnected callback is
    also called for a disconnection that this client requested.

    Args:
        address_or_ble_device: As in bleak.
        bumble: The adapter to connect with.
        services: UUIDs of the services to discover; None for all.
        kwargs: As in bleak; options of other backends are ignored.
    """

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        bumble: BumbleAdapter,
        services: set[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._adapter = bumble
        self._wanted_services = services
        self._connection: Connection | None = None
        self._disconnected: asyncio.Future[str] | None = None
        self._peer_address: hci.Address | None = None
        self._name: str | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._peer_address, self._name = address_or_ble_device.details, address_or_ble_device.name

    @property
    def name(self) -> str:
        """Advertised name, or the address with dashes if no name was advertised."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """ATT MTU of the connection; 23, the default, without a connection."""
        return 23 if self._connection is None else self._connection.att_mtu

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ARG002 - as bleak calls it
        """Connect, encrypt with a stored bond (or pair, if requested), and discover services.

        Raises:
            TimeoutError: The sensor did not answer in time.
            BleakError: It answered, but a later step failed; the connection is ended then.
        """
        if self._connection is not None:
            raise BleakError("Client is already connected")
        connection = await self._adapter.connect(
            self._peer_address or self._adapter.resolve_address(self.address), self._timeout
        )
        self._attach(connection)
        try:
            await self._set_up(connection, pair=pair)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """End the connection; does nothing without one."""
        connection = self._connection
        if connection is None:
            return
        with suppress(BleakError, TimeoutError):
            async with asyncio.timeout(_DISCONNECT_TIMEOUT_S):
                await self._await_connected(connection.disconnect())
        self._handle_loss("disconnected by the host")

    async def pair(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - as bleak calls it
        """Pair and bond, unless the connection is encrypted already."""
        connection = self._require_connection()
        if not connection.is_encrypted:
            await self._await_connected(connection.pair())

    async def unpair(self) -> None:
        """Delete the bond and disconnect."""
        peer = self._peer_address or self._adapter.resolve_address(self.address)
        keystore = self._adapter.device.keystore
        if keystore is not None and await keystore.get(str(peer)) is not None:
            await keystore.delete(str(peer))
        await self.disconnect()

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002 - nothing is cached
        **kwargs: Any,  # noqa: ARG002 - as bleak calls it
    ) -> bytearray:
        """Read a characteristic."""
        return bytearray(
            await self._await_connected(self._require_connection().gatt_client.read_value(characteristic.handle))
        )

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002 - nothing is cached
        **kwargs: Any,  # noqa: ARG002 - as bleak calls it
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(
            await self._await_connected(self._require_connection().gatt_client.read_value(descriptor.handle))
        )

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write a characteristic."""
        client = self._require_connection().gatt_client
        await self._await_connected(client.write_value(characteristic.handle, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        client = self._require_connection().gatt_client
        await self._await_connected(client.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Subscribe to notifications, or to indications if the characteristic has no notifications."""
        proxy: gatt_client.CharacteristicProxy[bytes] = characteristic.obj
        await self._await_connected(self._require_connection().gatt_client.subscribe(proxy, _log_exceptions(callback)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await self._await_connected(self._require_connection().gatt_client.unsubscribe(characteristic.obj))

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    def _attach(self, connection: Connection) -> None:
        self._connection = connection
        self._peer_address = connection.peer_address
        self._disconnected = asyncio.get_running_loop().create_future()
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._adapter.add_loss_callback(self._on_adapter_loss)

    def _on_disconnection(self, reason: int) -> None:
        self._handle_loss(f"disconnected: {hci.HCI_ErrorCode(reason).name}")

    def _on_adapter_loss(self) -> None:
        self._handle_loss("the Bluetooth adapter was lost")

    def _handle_loss(self, why: str) -> None:
        if self._connection is None:
            return
        self._connection = None
        self.services = None
        self._adapter.remove_loss_callback(self._on_adapter_loss)
        if self._disconnected is not None and not self._disconnected.done():
            self._disconnected.set_result(why)
        if self._disconnected_callback is not None:
            asyncio.get_running_loop().call_soon(self._disconnected_callback)

    async def _set_up(self, connection: Connection, *, pair: bool) -> None:
        await self._await_connected(connection.gatt_client.request_mtu(_MTU))
        with suppress(BleakError):  # an old controller does not support longer packets, and works without
            await self._await_connected(connection.set_data_length(_DATA_BYTES, _DATA_TIME_US))
        await self._encrypt(connection, pair=pair)
        self.services = await self._await_connected(self._discover_services(connection.gatt_client))

    async def _encrypt(self, connection: Connection, *, pair: bool) -> None:
        keystore: KeyStore | None = connection.device.keystore
        peer = str(connection.peer_address)
        if keystore is not None and await keystore.get(peer) is not None:
            try:
                await self._await_connected(connection.encrypt())
            except BleakError as error:
                if self._connection is None or not pair:
                    raise
                _log.warning("%s has lost its bond; pairing again (%s)", self.name, error)
                await keystore.delete(peer)
        if pair and not connection.is_encrypted:
            await self._await_connected(connection.pair())

    async def _discover_services(self, client: gatt_client.Client) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for found in await client.discover_services():
            service = BleakGATTService(found, found.handle, _format_uuid(found.uuid))
            if self._wanted_services is not None and service.uuid not in self._wanted_services:
                continue
            collection.add_service(service)
            for one in await client.discover_characteristics((), found):
                await self._add_characteristic(client, collection, service, one)
        return collection

    async def _add_characteristic(
        self,
        client: gatt_client.Client,
        collection: BleakGATTServiceCollection,
        service: BleakGATTService,
        found: gatt_client.CharacteristicProxy[bytes],
    ) -> None:
        properties = list(gatt_char_props_to_strs(int(found.properties)))
        characteristic = BleakGATTCharacteristic(
            found, found.handle, _format_uuid(found.uuid), properties, lambda: self.mtu_size - 3, service
        )
        collection.add_characteristic(characteristic)
        if found.end_group_handle == found.handle:
            return  # no handle is left for descriptors: discovering them would take two more connection events
        found.descriptors_discovered = True  # Bumble 0.0.236 would discover them again on every subscription
        for one in await client.discover_descriptors(found):
            descriptor = BleakGATTDescriptor(one, one.handle, _format_uuid(one.type), characteristic)
            collection.add_descriptor(descriptor)

    async def _await_connected(self, operation: Awaitable[Result]) -> Result:
        """Await an operation until the connection is lost, and raise its failures as errors of bleak.

        Bumble cancels pending operations on a disconnection, and waits forever for an adapter that was lost.
        """
        task = asyncio.ensure_future(operation)
        if self._disconnected is None:
            task.cancel()
            raise BleakError("Not connected")
        either: list[asyncio.Future[Any]] = [task, self._disconnected]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done() or task.cancelled():
            task.cancel()
            raise BleakError(self._disconnected.result() if self._disconnected.done() else "disconnected")
        try:
            return task.result()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(str(error)) from error


def _log_exceptions(callback: NotifyCallback) -> Callable[[bytes], None]:
    """Return a callback whose exceptions are logged: one subscriber must not end the notifications of others."""

    def guarded(value: bytes) -> None:
        try:
            callback(bytearray(value))
        except Exception:  # noqa: BLE001 - a subscriber may raise anything
            _log.exception("A notification callback failed")

    return guarded


def _format_uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
