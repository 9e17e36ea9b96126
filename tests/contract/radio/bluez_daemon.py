"""A stand-in for bluetoothd: ``org.bluez`` on a private D-Bus, in front of a Bumble host.

It lets bleak's own BlueZ backend run without a kernel that has Bluetooth: object tree, discovery, pairing through an
agent, GATT over D-Bus, notifications by signal or by file descriptor. Run as a program::

    python bluez_daemon.py BUS_ADDRESS BUMBLE_TRANSPORT KEYSTORE
"""

import asyncio
import contextlib
import os
import socket
import sys
import uuid as uuid_module
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from bumble.core import UUID
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address
from bumble.keys import JsonKeyStore
from bumble.pairing import PairingConfig
from bumble.transport import open_transport
from dbus_fast import ErrorType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER_PATH: Final = "/org/bluez/hci0"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
MANAGER = "org.bluez.AgentManager1"
FLAGS: Final = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}

Properties = dict[str, Variant]
Proxy = CharacteristicProxy[bytes]


class BlueZError(Exception):
    """An error reply by its D-Bus name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Daemon:
    """The object tree of one adapter and what its methods do."""

    def __init__(self, bus: MessageBus, host: Device) -> None:
        self.bus = bus
        self.host = host
        self.objects: dict[str, dict[str, Properties]] = {
            "/org/bluez": {MANAGER: {}},
            ADAPTER_PATH: {
                ADAPTER: {
                    "Address": Variant("s", str(host.random_address).split("/")[0]),
                    "Powered": Variant("b", True),
                    "Discovering": Variant("b", False),
                    "Roles": Variant("as", ["central"]),
                }
            },
        }
        self.peers: dict[str, tuple[Connection, Peer]] = {}
        self.proxies: dict[str, Proxy] = {}
        self.sockets: dict[str, socket.socket] = {}
        self.signalled: set[str] = set()
        self.subscribed: set[str] = set()
        self.agent: str | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.methods: dict[tuple[str, str], Callable[[Message], Awaitable[tuple[str, list[Any]]]]] = {
            (OBJECTS, "GetManagedObjects"): self._managed_objects,
            (PROPERTIES, "Set"): self._set_property,
            (ADAPTER, "SetDiscoveryFilter"): self._nothing,
            (ADAPTER, "StartDiscovery"): self._start_discovery,
            (ADAPTER, "StopDiscovery"): self._stop_discovery,
            (ADAPTER, "RemoveDevice"): self._nothing,
            (MANAGER, "RegisterAgent"): self._register_agent,
            (MANAGER, "RequestDefaultAgent"): self._nothing,
            (MANAGER, "UnregisterAgent"): self._unregister_agent,
            (DEVICE, "Connect"): self._connect,
            (DEVICE, "Pair"): self._pair,
            (DEVICE, "Disconnect"): self._disconnect,
            (CHARACTERISTIC, "ReadValue"): self._read,
            (CHARACTERISTIC, "WriteValue"): self._write,
            (CHARACTERISTIC, "StartNotify"): self._start_notify,
            (CHARACTERISTIC, "StopNotify"): self._stop_notify,
            (CHARACTERISTIC, "AcquireNotify"): self._acquire_notify,
        }
        host.on(host.EVENT_ADVERTISEMENT, self._on_advertisement)
        bus.add_message_handler(self._handle)

    # Messages ---------------------------------------------------------------------------------------------------

    def _handle(self, message: Message) -> bool | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        method = self.methods.get((str(message.interface), str(message.member)))
        if method is None:
            return None
        task = asyncio.get_running_loop().create_task(self._answer(message, method))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return True

    async def _answer(self, message: Message, method: Callable[[Message], Awaitable[tuple[str, list[Any]]]]) -> None:
        try:
            signature, body = await method(message)
        except BlueZError as error:
            await self.bus.send(Message.new_error(message, error.name, str(error)))
        except Exception as error:  # noqa: BLE001  # whatever the radio does, the caller must get a reply
            await self.bus.send(Message.new_error(message, "org.bluez.Error.Failed", repr(error)))
        else:
            fds = [value.fileno() for value in body if isinstance(value, socket.socket)]
            values = [0 if isinstance(value, socket.socket) else value for value in body]
            await self.bus.send(Message.new_method_return(message, signature, values, unix_fds=fds))
            for value in body:
                if isinstance(value, socket.socket):
                    value.close()

    async def _nothing(self, _message: Message) -> tuple[str, list[Any]]:
        return "", []

    async def _managed_objects(self, _message: Message) -> tuple[str, list[Any]]:
        return "a{oa{sa{sv}}}", [self.objects]

    async def _set_property(self, message: Message) -> tuple[str, list[Any]]:
        interface, name, value = message.body
        self._change(str(message.path), interface, {name: value})
        return "", []

    def _change(self, path: str, interface: str, values: Properties) -> None:
        if path not in self.objects:
            return
        self.objects[path][interface].update(values)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, values, []])

    def _add(self, path: str, interfaces: dict[str, Properties]) -> None:
        self.objects[path] = interfaces
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.bus.send(Message.new_signal(path, interface, member, signature, body))

    # Agent ------------------------------------------------------------------------------------------------------

    async def _register_agent(self, message: Message) -> tuple[str, list[Any]]:
        self.agent = message.sender
        return "", []

    async def _unregister_agent(self, _message: Message) -> tuple[str, list[Any]]:
        self.agent = None
        return "", []

    # Discovery --------------------------------------------------------------------------------------------------

    async def _start_discovery(self, _message: Message) -> tuple[str, list[Any]]:
        if self.host.is_scanning:
            raise BlueZError("org.bluez.Error.InProgress", "Operation already in progress")
        await self.host.start_scanning(filter_duplicates=False)
        self._change(ADAPTER_PATH, ADAPTER, {"Discovering": Variant("b", True)})
        return "", []

    async def _stop_discovery(self, _message: Message) -> tuple[str, list[Any]]:
        await self.host.stop_scanning()
        self._change(ADAPTER_PATH, ADAPTER, {"Discovering": Variant("b", False)})
        return "", []

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        address = str(advertisement.address).split("/")[0]
        path = f"{ADAPTER_PATH}/dev_{address.replace(':', '_')}"
        seen = {"RSSI": Variant("n", advertisement.rssi)}
        if path in self.objects:
            self._change(path, DEVICE, seen)
            return
        names = advertisement.data.get_all(advertisement.data.Type.COMPLETE_LOCAL_NAME)
        uuids = advertisement.data.get_all(advertisement.data.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
        name = names[0] if names else address
        self._add(
            path,
            {
                DEVICE: seen
                | {
                    "Address": Variant("s", address),
                    "AddressType": Variant("s", "random"),
                    "Alias": Variant("s", name),
                    "Name": Variant("s", name),
                    "Adapter": Variant("o", ADAPTER_PATH),
                    "UUIDs": Variant("as", [_long(uuid) for group in uuids for uuid in group]),
                    "Connected": Variant("b", False),
                    "Paired": Variant("b", False),
                    "Bonded": Variant("b", False),
                    "ServicesResolved": Variant("b", False),
                    "Trusted": Variant("b", False),
                    "Blocked": Variant("b", False),
                    "LegacyPairing": Variant("b", False),
                }
            },
        )

    # Device -----------------------------------------------------------------------------------------------------

    def _address(self, path: str) -> Address:
        text = path.rsplit("/dev_", 1)[1].replace("_", ":")
        return Address(text, Address.RANDOM_DEVICE_ADDRESS)

    async def _connect(self, message: Message) -> tuple[str, list[Any]]:
        await self._link(str(message.path))
        return "", []

    async def _link(self, path: str) -> Connection:
        if path not in self.objects:
            raise BlueZError(ErrorType.UNKNOWN_OBJECT.value, "no such device")
        if path in self.peers:
            return self.peers[path][0]
        connection = await self.host.connect(self._address(path), timeout=10)
        peer = Peer(connection)
        self.peers[path] = (connection, peer)
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self._on_disconnection(path))
        await peer.request_mtu(247)
        if await self.host.keystore.get(str(connection.peer_address)) if self.host.keystore else None:
            await connection.encrypt()
            self._change(path, DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})
        self._change(path, DEVICE, {"Connected": Variant("b", True)})
        await self._resolve(path, peer)
        return connection

    async def _pair(self, message: Message) -> tuple[str, list[Any]]:
        if self.agent is None:
            raise BlueZError("org.bluez.Error.AuthenticationFailed", "no agent is registered")
        connection = await self._link(str(message.path))
        await connection.pair()
        self._change(str(message.path), DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})
        return "", []

    async def _disconnect(self, message: Message) -> tuple[str, list[Any]]:
        if str(message.path) in self.peers:
            await self.peers[str(message.path)][0].disconnect()
        return "", []

    def _on_disconnection(self, path: str) -> None:
        self.peers.pop(path, None)
        for below in [known for known in self.objects if known.startswith(path + "/")]:
            interfaces = list(self.objects.pop(below))
            self.proxies.pop(below, None)
            self.signalled.discard(below)
            self.subscribed.discard(below)
            if (end := self.sockets.pop(below, None)) is not None:
                end.close()
            self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [below, interfaces])
        self._change(path, DEVICE, {"ServicesResolved": Variant("b", False), "Connected": Variant("b", False)})

    async def _resolve(self, path: str, peer: Peer) -> None:
        await peer.discover_services()
        for service in peer.services:
            if service.uuid in (UUID.from_16_bits(0x1800), UUID.from_16_bits(0x1801)):
                continue  # as bluetoothd: GAP and GATT are not shown
            await service.discover_characteristics()
            below = f"{path}/service{service.handle:04x}"
            self._add(
                below,
                {
                    SERVICE: {
                        "UUID": Variant("s", _long(service.uuid)),
                        "Device": Variant("o", path),
                        "Primary": Variant("b", True),
                    }
                },
            )
            for proxy in service.characteristics:
                self._add_characteristic(below, proxy, peer)
        self._change(path, DEVICE, {"ServicesResolved": Variant("b", True)})

    def _add_characteristic(self, service_path: str, proxy: Proxy, peer: Peer) -> None:
        path = f"{service_path}/char{proxy.handle:04x}"
        self.proxies[path] = proxy
        flags = [name for flag, name in FLAGS.items() if flag in proxy.properties]
        acquirable = {"NotifyAcquired": Variant("b", False)} if "notify" in flags else {}
        self._add(
            path,
            {
                CHARACTERISTIC: {
                    "UUID": Variant("s", _long(proxy.uuid)),
                    "Service": Variant("o", service_path),
                    "Flags": Variant("as", flags),
                    "Notifying": Variant("b", False),
                    "MTU": Variant("q", peer.gatt_client.mtu),
                    "Value": Variant("ay", b""),
                }
                | acquirable
            },
        )

    # Characteristic ---------------------------------------------------------------------------------------------

    async def _read(self, message: Message) -> tuple[str, list[Any]]:
        return "ay", [bytes(await self.proxies[str(message.path)].read_value())]

    async def _write(self, message: Message) -> tuple[str, list[Any]]:
        value, options = message.body
        with_response = "type" not in options or options["type"].value == "request"
        await self.proxies[str(message.path)].write_value(bytes(value), with_response=with_response)
        return "", []

    async def _start_notify(self, message: Message) -> tuple[str, list[Any]]:
        path = str(message.path)
        self.signalled.add(path)
        await self._subscribe(path)
        self._change(path, CHARACTERISTIC, {"Notifying": Variant("b", True)})
        return "", []

    async def _stop_notify(self, message: Message) -> tuple[str, list[Any]]:
        self.signalled.discard(str(message.path))
        return "", []

    async def _acquire_notify(self, message: Message) -> tuple[str, list[Any]]:
        path = str(message.path)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        await self._subscribe(path)
        # Only now, as bluetoothd: what the sensor sends before its CCCD is acknowledged is lost.
        self.sockets[path] = ours
        return "hq", [theirs, 247]

    async def _subscribe(self, path: str) -> None:
        if path in self.subscribed:
            return
        self.subscribed.add(path)
        proxy = self.proxies[path]
        indicate = Characteristic.Properties.NOTIFY not in proxy.properties
        await proxy.subscribe(lambda value: self._on_value(path, bytes(value)), prefer_notify=not indicate)

    def _on_value(self, path: str, value: bytes) -> None:
        if (end := self.sockets.get(path)) is not None:
            with contextlib.suppress(OSError):  # the reader is gone: it will ask again
                end.send(value)
        elif path in self.signalled:
            self._change(path, CHARACTERISTIC, {"Value": Variant("ay", value)})


def _long(uuid: UUID) -> str:
    return str(uuid_module.UUID(bytes=bytes(reversed(uuid.to_bytes(force_128=True)))))


async def serve(bus_address: str, transport_spec: str, keystore: Path) -> None:
    """Run until the HCI transport or the bus ends."""
    async with await open_transport(transport_spec) as transport:
        config = DeviceConfiguration(name="bluez", address=Address("C0:FF:EE:00:00:01"), le_enabled=True)
        host = Device.from_config_with_hci(config, transport.source, transport.sink)
        host.keystore = JsonKeyStore("bluez", str(keystore))
        host.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=False, bonding=True, identity_address_type=PairingConfig.AddressType.RANDOM
        )
        await host.power_on()
        bus = MessageBus(bus_address, negotiate_unix_fd=True)
        await bus.connect()
        Daemon(bus, host)
        await bus.request_name("org.bluez")
        os.write(sys.stdout.fileno(), b"ready\n")
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast leaves it untyped


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
