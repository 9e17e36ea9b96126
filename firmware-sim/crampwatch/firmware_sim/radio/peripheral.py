"""The GATT server of a simulated sensor: carries a :class:`SensorCore` over Bumble, on any controller.

Everything of CWS v1 needs an encrypted link (LE Secure Connections, bonded); Device Information and Battery are open.
Frames are handed to the controller only as it has room, so that the sensor's own bounded queue decides what is dropped.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt_server import Server
from bumble.host import Host
from bumble.keys import JsonKeyStore
from bumble.pairing import PairingConfig
from bumble.transport.common import TransportSink, TransportSource
from crampwatch.firmware_sim.device.outgoing import Channel, SensorCore
from crampwatch.protocol import gatt as cws
from crampwatch.protocol.errors import FrameError

__all__ = ["Identity", "Peripheral"]

_log = logging.getLogger(__name__)

_MTU: Final = 247
_DATA_OCTETS, _DATA_TIME_US = 251, 2120
_ADVERTISING_INTERVAL_MS: Final = 100.0
_GOODBYE_S: Final = 1.0
"""A controller that is gone answers nothing."""
_NAME_OCTETS: Final = 31 - 3 - 18 - 2
_IN_FLIGHT: Final = 10
"""Packets handed to the controller and not yet acknowledged: they fill one connection event of 30 ms, no more."""
_SUPERVISION_MS: Final = 4000
_INTERVAL_MS: Final = 30.0
_Permissions = att.Attribute.Permissions
_SECURE_READ: Final = _Permissions.READABLE | _Permissions.READ_REQUIRES_ENCRYPTION
_SECURE_WRITE: Final = _Permissions.WRITEABLE | _Permissions.WRITE_REQUIRES_ENCRYPTION
_Properties = gatt.Characteristic.Properties


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a sensor is on the air.

    Attributes:
        address: Static random address, ``XX:XX:XX:XX:XX:XX``; its top two bits are set.
        serial: Serial number of Device Information.
        model: Model number.
        firmware: Firmware revision.
    """

    address: str
    serial: str
    model: str = "crampwatch simulated sensor"
    firmware: str = "simulator"


class Peripheral:
    """One sensor on one controller.

    Args:
        sensor: What it streams.
        identity: Who it is.
        source: Where packets of the controller come from.
        sink: Where packets for it go.
        clock: Returns true seconds since the sensor's boot.
        bonds: Where bonds are kept; None keeps them in memory.
        speed: How many times faster than real time that clock runs.
    """

    def __init__(
        self,
        sensor: SensorCore,
        identity: Identity,
        source: TransportSource,
        sink: TransportSink,
        *,
        clock: Callable[[], float],
        bonds: Path | None = None,
        speed: float = 1.0,
    ) -> None:
        self.address = hci.Address(identity.address, hci.Address.RANDOM_DEVICE_ADDRESS)
        self._sensor = sensor
        self._clock = clock
        self._speed = speed
        self._in_flight = round(_IN_FLIGHT * max(1.0, min(speed, 5.0)))
        self._connection: Connection | None = None
        self._is_indicating = False
        self._is_hanging_up = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        config = DeviceConfiguration(name=sensor.name, address=self.address)
        self._device = Device(config=config, host=Host(source, sink))
        self._device.keystore = None if bonds is None else JsonKeyStore(str(self.address), str(bonds))
        self._device.pairing_config_factory = _pairing
        self._device.gatt_server.max_mtu = _MTU
        self._characteristics: dict[Channel, gatt.Characteristic[bytes]] = {}
        self._add_services(identity)
        self._device.on(Device.EVENT_CONNECTION, self._on_connection)

    async def start(self) -> None:
        """Power the controller and advertise."""
        await self._device.power_on()
        await self._advertise()
        self._tick()

    async def stop(self) -> None:
        """Leave the air, telling a connected host."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.wait([self._spawn(self._say_goodbye())], timeout=_GOODBYE_S)
        for task in list(self._tasks):
            task.cancel()

    def wake(self) -> None:
        """Look at the sensor again: something was done to it from outside."""
        self._tick()

    async def _say_goodbye(self) -> None:
        connection = self._connection
        if connection is not None:
            await connection.disconnect()
        await self._device.stop_advertising()
        await self._device.power_off()

    async def _advertise(self) -> None:
        data = core.AdvertisingData(
            [
                (core.AdvertisingData.FLAGS, bytes([0x06])),
                (core.AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(core.UUID(cws.CWS_SERVICE))),
                _advertised_name(self._sensor.name),
            ]
        )
        await self._device.start_advertising(
            advertising_data=bytes(data),
            scan_response_data=b"",
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
        )

    def _add_services(self, identity: Identity) -> None:
        server = self._device.gatt_server
        notify, read = _Properties.NOTIFY, _Properties.READ
        info = _characteristic(cws.INFO, read, _SECURE_READ, read=lambda: self._sensor.info(self._clock()))
        control = self._add(Channel.CONTROL, _Properties.WRITE | _Properties.INDICATE, _SECURE_WRITE, write=True)
        streams = [
            self._add(one, notify, _Permissions(0)) for one in (Channel.DATA, Channel.STORED_DATA, Channel.EVENT)
        ]
        temperature = self._add(
            Channel.TEMPERATURE, read | notify, _SECURE_READ, read=lambda: self._sensor.temperature(self._clock())
        )
        battery = self._add(
            Channel.BATTERY, read | notify, _Permissions.READABLE, read=lambda: self._sensor.battery(self._clock())
        )
        server.add_service(gatt.Service(cws.CWS_SERVICE, [info, control, *streams]))
        server.add_service(gatt.Service(core.UUID.from_16_bits(0x180F), [battery]))
        server.add_service(gatt.Service(core.UUID.from_16_bits(0x181A), [temperature]))
        server.add_service(gatt.Service(core.UUID.from_16_bits(0x180A), _device_information(identity)))

    def _add(
        self,
        channel: Channel,
        properties: gatt.Characteristic.Properties,
        permissions: att.Attribute.Permissions,
        *,
        read: Callable[[], bytes] | None = None,
        write: bool = False,
    ) -> gatt.Characteristic[bytes]:
        on_write = self._on_control if write else None
        descriptors: list[gatt.Descriptor] = []
        one = _characteristic(
            channel.value, properties, permissions, read=read, write=on_write, descriptors=descriptors
        )
        if channel is not Channel.BATTERY:
            descriptors.append(_secure_cccd(self._device.gatt_server, one))
        one.on(
            one.EVENT_SUBSCRIPTION, lambda _bearer, notify, indicate: self._on_subscription(channel, notify or indicate)
        )
        self._characteristics[channel] = one
        return one

    def _on_control(self, connection: Connection, value: bytes) -> None:
        cccd = self._device.gatt_server.read_cccd(connection, self._characteristics[Channel.CONTROL])
        if not cccd[0] & 2:
            raise att.ATT_Error(att.ErrorCode.CCCD_IMPROPERLY_CONFIGURED)
        try:
            self._sensor.request(self._clock(), value)
        except FrameError as error:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH) from error
        asyncio.get_running_loop().call_soon(self._tick)  # the write's response goes first

    def _on_subscription(self, channel: Channel, enabled: bool) -> None:
        self._sensor.subscribe(self._clock(), channel, enabled)
        asyncio.get_running_loop().call_soon(self._tick)

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        self._is_indicating = self._is_hanging_up = False
        self._sensor.connect(self._clock())
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, lambda: self._sensor.set_mtu(connection.att_mtu))
        connection.on(Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._spawn(self._tune(connection)))
        queue = connection.data_packet_queue
        if queue is not None:
            queue.on("flow", self._on_room)

    def _on_disconnection(self, reason: int) -> None:
        _log.info("%s: disconnected (%s)", self._sensor.name, hci.HCI_ErrorCode(reason).name)
        self._connection = None
        self._sensor.disconnect(self._clock())
        if not self._is_closing:
            self._spawn(self._advertise())

    async def _tune(self, connection: Connection) -> None:
        """Ask for long packets and for timing that suits a night: centrals' defaults differ wildly."""
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
            await connection.set_data_length(_DATA_OCTETS, _DATA_TIME_US)
        if connection.parameters.supervision_timeout >= _SUPERVISION_MS:
            return
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
            await connection.update_parameters(_INTERVAL_MS, _INTERVAL_MS, 0, _SUPERVISION_MS, use_l2cap=True)

    def _tick(self) -> None:
        """Let the sensor's time pass, hand over what the controller has room for, and set the next alarm."""
        if self._is_closing:
            return
        now_s = self._clock()
        self._sensor.advance(now_s)
        if self._connection is not None:
            self._pump(self._connection)
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max((self._sensor.next_due_s(now_s) - self._clock()) / self._speed, 0.001)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _on_room(self) -> None:
        if self._connection is not None:
            self._pump(self._connection)

    def _pump(self, connection: Connection) -> None:
        queue = connection.data_packet_queue
        if queue is None:
            return
        while queue.pending < self._in_flight:
            outgoing = self._sensor.take(may_indicate=not self._is_indicating)
            if outgoing is None:
                self._hang_up_if_told(connection)
                return
            characteristic = self._characteristics[outgoing.channel]
            if outgoing.channel is Channel.CONTROL:
                self._indicate(connection, characteristic, outgoing.value)
            elif connection.is_encrypted or outgoing.channel is Channel.BATTERY:
                notification = att.ATT_Handle_Value_Notification(
                    attribute_handle=characteristic.handle, attribute_value=outgoing.value
                )
                self._device.gatt_server.send_gatt_pdu(connection, bytes(notification))

    def _hang_up_if_told(self, connection: Connection) -> None:
        if self._sensor.hangs_up and not self._is_hanging_up:
            self._is_hanging_up = True
            self._spawn(connection.disconnect())

    def _indicate(self, connection: Connection, characteristic: gatt.Characteristic[bytes], value: bytes) -> None:
        """Send an indication in its place among the notifications; the next one waits for its confirmation.

        Bumble's own way to indicate is a coroutine, whose packet would be overtaken by notifications sent meanwhile.
        """
        server = self._device.gatt_server
        confirmation = asyncio.get_running_loop().create_future()
        server.pending_confirmations[connection] = confirmation
        confirmation.add_done_callback(lambda _: self._on_confirmation(connection))
        self._is_indicating = True
        indication = att.ATT_Handle_Value_Indication(attribute_handle=characteristic.handle, attribute_value=value)
        server.send_gatt_pdu(connection, bytes(indication))

    def _on_confirmation(self, connection: Connection) -> None:
        if self._connection is connection:
            self._device.gatt_server.pending_confirmations[connection] = None
            self._is_indicating = False
            self._tick()

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("%s: %s", self._sensor.name, error)


def _advertised_name(name: str) -> tuple[core.AdvertisingData.Type, bytes]:
    """Return the name as it fits beside flags and a 128-bit UUID in 31 octets: shortened where it is too long."""
    octets = name.encode()
    if len(octets) <= _NAME_OCTETS:
        return core.AdvertisingData.COMPLETE_LOCAL_NAME, octets
    return core.AdvertisingData.SHORTENED_LOCAL_NAME, octets[:_NAME_OCTETS].decode(errors="ignore").encode()


def _characteristic(
    uuid: str,
    properties: gatt.Characteristic.Properties,
    permissions: att.Attribute.Permissions,
    *,
    read: Callable[[], bytes] | None = None,
    write: Callable[[Connection, bytes], None] | None = None,
    descriptors: Sequence[gatt.Descriptor] = (),
) -> gatt.Characteristic[bytes]:
    value = att.AttributeValue[bytes](read=None if read is None else lambda _connection: read(), write=write)
    return gatt.Characteristic(core.UUID(uuid), properties, permissions, value, descriptors)


def _secure_cccd(server: Server, characteristic: gatt.Characteristic[bytes]) -> gatt.Descriptor:
    return gatt.Descriptor(
        gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
        _Permissions.READABLE | _SECURE_WRITE,
        server.make_descriptor_value(characteristic),
    )


def _device_information(identity: Identity) -> list[gatt.Characteristic[bytes]]:
    texts = {
        cws.MANUFACTURER_NAME: "crampwatch",
        cws.MODEL_NUMBER: identity.model,
        cws.SERIAL_NUMBER: identity.serial,
        cws.FIRMWARE_REVISION: identity.firmware,
    }
    return [
        gatt.Characteristic(core.UUID(uuid), _Properties.READ, _Permissions.READABLE, text.encode())
        for uuid, text in texts.items()
    ]


def _pairing(_connection: Connection) -> PairingConfig:
    """JustWorks, bonded, under the static random address: with the public type a bond would not be found again."""
    return PairingConfig(sc=True, mitm=False, bonding=True, identity_address_type=PairingConfig.AddressType.RANDOM)
