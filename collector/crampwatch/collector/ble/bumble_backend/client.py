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
_DATA_OCTETS, _DATA_TIME_US = 251, 2120
_DISCONNECT_TIMEOUT_S: Final = 5.0
Result = TypeVar("Result")


class BumbleClient(BaseBleakClient):
    """Use as ``BleakClient(device, ..., **client_arguments(adapter))``.

    A connection to a sensor whose bond is kept is encrypted before anything else is done. As on BlueZ the disconnected
    callback is also called for a disconnection that was asked for.

    Args:
        address_or_ble_device: As in bleak.
        bumble: The adapter to connect with.
        services: UUIDs of the services to discover; None for all.
        kwargs: As in bleak; options for other backends are ignored.
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
        self._gone: asyncio.Future[str] | None = None
        self._peer: hci.Address | None = None
        self._name: str | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._peer, self._name = address_or_ble_device.details, address_or_ble_device.name

    @property
    def name(self) -> str:
        """Name as advertised, else the address with dashes."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """ATT MTU of the connection; 23 without one."""
        return 23 if self._connection is None else self._connection.att_mtu

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ARG002 - as bleak calls it
        """Connect, encrypt with a kept bond or pair where asked to, and discover services.

        Raises:
            TimeoutError: The sensor did not answer in time.
            BleakError: It answered, and something else failed; there is no connection then.
        """
        if self._connection is not None:
            raise BleakError("Client is already connected")
        connection = await self._adapter.connect(self._peer or self._adapter.address(self.address), self._timeout)
        self._adopt(connection)
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
                await self._guarded(connection.disconnect())
        self._lose("disconnected by the host")

    async def pair(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - as bleak calls it
        """Pair and bond, unless the link is encrypted already."""
        connection = self._require()
        if not connection.is_encrypted:
            await self._guarded(connection.pair())

    async def unpair(self) -> None:
        """Forget the bond and disconnect."""
        peer = self._peer or self._adapter.address(self.address)
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
        return bytearray(await self._guarded(self._require().gatt_client.read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002 - nothing is cached
        **kwargs: Any,  # noqa: ARG002 - as bleak calls it
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(await self._guarded(self._require().gatt_client.read_value(descriptor.handle)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write a characteristic."""
        client = self._require().gatt_client
        await self._guarded(client.write_value(characteristic.handle, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        client = self._require().gatt_client
        await self._guarded(client.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Subscribe to notifications, or to indications where there are no notifications."""
        proxy: gatt_client.CharacteristicProxy[bytes] = characteristic.obj
        await self._guarded(self._require().gatt_client.subscribe(proxy, _guarding(callback)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await self._guarded(self._require().gatt_client.unsubscribe(characteristic.obj))

    def _require(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    def _adopt(self, connection: Connection) -> None:
        self._connection = connection
        self._peer = connection.peer_address
        self._gone = asyncio.get_running_loop().create_future()
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._adapter.on_loss(self._on_adapter_loss)

    def _on_disconnection(self, reason: int) -> None:
        self._lose(f"disconnected: {hci.HCI_ErrorCode(reason).name}")

    def _on_adapter_loss(self) -> None:
        self._lose("the Bluetooth adapter is gone")

    def _lose(self, why: str) -> None:
        if self._connection is None:
            return
        self._connection = None
        self.services = None
        self._adapter.not_on_loss(self._on_adapter_loss)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(why)
        if self._disconnected_callback is not None:
            asyncio.get_running_loop().call_soon(self._disconnected_callback)

    async def _set_up(self, connection: Connection, *, pair: bool) -> None:
        await self._guarded(connection.gatt_client.request_mtu(_MTU))
        with suppress(BleakError):  # an old controller does not know longer packets, and works without
            await self._guarded(connection.set_data_length(_DATA_OCTETS, _DATA_TIME_US))
        await self._encrypt(connection, pair=pair)
        self.services = await self._guarded(self._discover(connection.gatt_client))

    async def _encrypt(self, connection: Connection, *, pair: bool) -> None:
        keystore: KeyStore | None = connection.device.keystore
        peer = str(connection.peer_address)
        if keystore is not None and await keystore.get(peer) is not None:
            try:
                await self._guarded(connection.encrypt())
            except BleakError as error:
                if self._connection is None or not pair:
                    raise
                _log.warning("%s has forgotten its bond; pairing again (%s)", self.name, error)
                await keystore.delete(peer)
        if pair and not connection.is_encrypted:
            await self._guarded(connection.pair())

    async def _discover(self, client: gatt_client.Client) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for found in await client.discover_services():
            service = BleakGATTService(found, found.handle, _uuid(found.uuid))
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
            found, found.handle, _uuid(found.uuid), properties, lambda: self.mtu_size - 3, service
        )
        collection.add_characteristic(characteristic)
        if found.end_group_handle == found.handle:
            return  # there is no room for descriptors: asking would take another two connection events
        found.descriptors_discovered = True  # Bumble 0.0.236 would ask again on every subscription
        for one in await client.discover_descriptors(found):
            descriptor = BleakGATTDescriptor(one, one.handle, _uuid(one.type), characteristic)
            collection.add_descriptor(descriptor)

    async def _guarded(self, operation: Awaitable[Result]) -> Result:
        """Await an operation until the connection is gone, and tell failures in bleak's terms.

        Bumble cancels what is pending on a disconnection, and waits for ever on an adapter that is gone.
        """
        task = asyncio.ensure_future(operation)
        if self._gone is None:
            task.cancel()
            raise BleakError("Not connected")
        either: list[asyncio.Future[Any]] = [task, self._gone]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done() or task.cancelled():
            task.cancel()
            raise BleakError(self._gone.result() if self._gone.done() else "disconnected")
        try:
            return task.result()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(str(error)) from error


def _guarding(callback: NotifyCallback) -> Callable[[bytes], None]:
    """Keep one subscriber's exception from ending the others' notifications."""

    def guarded(value: bytes) -> None:
        try:
            callback(bytearray(value))
        except Exception:  # noqa: BLE001 - whatever it is, it is the subscriber's
            _log.exception("A notification callback failed")

    return guarded


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
