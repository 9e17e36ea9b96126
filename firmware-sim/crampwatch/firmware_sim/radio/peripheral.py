"""The GATT server of a simulated sensor: connects a :class:`SensorCore` to a virtual or real controller, using Bumble.

All characteristics of CWS v1 need an encrypted link (LE Secure Connections, bonded); Device Information and Battery are
open. Frames are passed to the controller only while it has room, so that the bounded queue of the sensor, not an
unbounded one of the Bluetooth stack, decides what is dropped.
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
"""The largest whose packets fit into one link-layer packet of 251 bytes."""
_DATA_BYTES, _DATA_TIME_US = 251, 2120
_ADVERTISING_INTERVAL_MS: Final = 100.0
_GO_OFFLINE_TIMEOUT_S: Final = 1.0
"""A controller that is gone does not answer."""
_NAME_BYTES: Final = 31 - 3 - 18 - 2
"""Left for the name in an advertisement, beside flags, a 128-bit UUID and the header of the name."""
_IN_FLIGHT: Final = 10
"""Packets passed to the controller and not acknowledged yet: enough to fill a connection event of 30 ms, not more."""
_SUPERVISION_MS: Final = 4000
_INTERVAL_MS: Final = 30.0
_Permissions = att.Attribute.Permissions
_SECURE_READ: Final = _Permissions.READABLE | _Permissions.READ_REQUIRES_ENCRYPTION
_SECURE_WRITE: Final = _Permissions.WRITEABLE | _Permissions.WRITE_REQUIRES_ENCRYPTION
_Properties = gatt.Characteristic.Properties


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a sensor over Bluetooth.

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
        sensor: The sensor behind the GATT server.
        identity: Address, and values of Device Information.
        source: Packets from the controller.
        sink: Packets to the controller.
        clock: Returns true seconds since the sensor booted.
        bonds: File for bonds; None keeps them in memory.
        speed: How many times faster than real time the clock runs.
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
        self._is_disconnecting = False
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
        """Power on the controller and advertise."""
        await self._device.power_on()
        await self._advertise()
        self._tick()

    async def stop(self) -> None:
        """Disconnect, stop advertising and power off the controller."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.wait([self._spawn(self._go_offline())], timeout=_GO_OFFLINE_TIMEOUT_S)
        for task in list(self._tasks):
            task.cancel()

    def wake(self) -> None:
        """Send what the sensor has to send, after it was changed from outside."""
        self._tick()

    async def _go_offline(self) -> None:
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
            self._sensor.handle_request(self._clock(), value)
        except FrameError as error:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH) from error
        asyncio.get_running_loop().call_soon(self._tick)  # the write's response goes first

    def _on_subscription(self, channel: Channel, enabled: bool) -> None:
        self._sensor.subscribe(self._clock(), channel, enabled)
        asyncio.get_running_loop().call_soon(self._tick)

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        self._is_indicating = self._is_disconnecting = False
        self._sensor.connect(self._clock())
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, lambda: self._sensor.set_mtu(connection.att_mtu))
        connection.on(
            Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._spawn(self._request_parameters(connection))
        )
        queue = connection.data_packet_queue
        if queue is not None:
            queue.on("flow", self._on_queue_space)

    def _on_disconnection(self, reason: int) -> None:
        _log.info("%s: disconnected (%s)", self._sensor.name, hci.HCI_ErrorCode(reason).name)
        self._connection = None
        self._sensor.disconnect(self._clock())
        if not self._is_closing:
            self._spawn(self._advertise())

    async def _request_parameters(self, connection: Connection) -> None:
        """Request long packets, and connection parameters that suit a night: defaults of centrals differ widely."""
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
            await connection.set_data_length(_DATA_BYTES, _DATA_TIME_US)
        if connection.parameters.supervision_timeout >= _SUPERVISION_MS:
            return
        with suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
            await connection.update_parameters(_INTERVAL_MS, _INTERVAL_MS, 0, _SUPERVISION_MS, use_l2cap=True)

    def _tick(self) -> None:
        """Let time pass for the sensor, send what the controller has room for, and set the next timer."""
        if self._is_closing:
            return
        now_s = self._clock()
        self._sensor.advance(now_s)
        if self._connection is not None:
            self._send_pending(self._connection)
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max((self._sensor.next_due_s(now_s) - self._clock()) / self._speed, 0.001)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _on_queue_space(self) -> None:
        if self._connection is not None:
            self._send_pending(self._connection)

    def _send_pending(self, connection: Connection) -> None:
        queue = connection.data_packet_queue
        if queue is None:
            return
        while queue.pending < self._in_flight:
            outgoing = self._sensor.next_outgoing(may_indicate=not self._is_indicating)
            if outgoing is None:
                self._disconnect_if_rebooting(connection)
                return
            characteristic = self._characteristics[outgoing.channel]
            if outgoing.channel is Channel.CONTROL:
                self._indicate(connection, characteristic, outgoing.value)
            elif connection.is_encrypted or outgoing.channel is Channel.BATTERY:
                notification = att.ATT_Handle_Value_Notification(
                    attribute_handle=characteristic.handle, attribute_value=outgoing.value
                )
                self._device.gatt_server.send_gatt_pdu(connection, bytes(notification))

    def _disconnect_if_rebooting(self, connection: Connection) -> None:
        if self._sensor.is_about_to_reboot and not self._is_disconnecting:
            self._is_disconnecting = True
            self._spawn(connection.disconnect())

    def _indicate(self, connection: Connection, characteristic: gatt.Characteristic[bytes], value: bytes) -> None:
        """Send an indication in order with the notifications; the next one waits for its confirmation.

        Bumble's own function is a coroutine, whose packet could be overtaken by notifications that are sent meanwhile.
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
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("%s: %s", self._sensor.name, error)


def _advertised_name(name: str) -> tuple[core.AdvertisingData.Type, bytes]:
    """Return the name for the advertisement, shortened if it is too long."""
    encoded = name.encode()
    if len(encoded) <= _NAME_BYTES:
        return core.AdvertisingData.COMPLETE_LOCAL_NAME, encoded
    return core.AdvertisingData.SHORTENED_LOCAL_NAME, encoded[:_NAME_BYTES].decode(errors="ignore").encode()


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
    """Pair by Just Works, bonded, with the static random address: with the public type no bond would be found again."""
    return PairingConfig(sc=True, mitm=False, bonding=True, identity_address_type=PairingConfig.AddressType.RANDOM)
