"""The Bluetooth adapter: that of the operating system through bleak, or an HCI transport through Bumble.

An adapter is named by a *spec*: ``None`` for the system's default adapter (BlueZ, macOS, Windows), ``hci1`` for an
adapter of BlueZ, ``bumble:usb:0`` or ``bumble:tcp-client:127.0.0.1:41001`` for a controller, real or virtual, that this
program drives itself.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakError
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter
from crampwatch.collector.ble.bumble_backend.bleak_arguments import client_arguments, scanner_arguments
from crampwatch.collector.ble.pairing_agent import pairing_agent
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.gatt import CWS_SERVICE

__all__ = ["RADIO_ERRORS", "FoundSensor", "Radio", "open_radio", "scan", "unusable_adapter_error"]

RADIO_ERRORS: Final = (BleakError, OSError, EOFError)
"""What using an adapter raises when it fails: bleak's own errors, and those of the D-Bus or HCI connection below."""
CONNECT_TIMEOUT_S: Final = 20.0
"""An attempt rarely succeeds after this long (bleak-retry-connector uses the same limit)."""
_BUMBLE_PREFIX: Final = "bumble:"


@dataclass(frozen=True, slots=True)
class FoundSensor:
    """A CWS sensor that advertises.

    Attributes:
        name: As advertised; the address if no name is advertised.
        address: Bluetooth address (on macOS an identifier made up by the system).
        rssi_dbm: Signal strength of the advertisement.
        device: bleak's handle to connect with.
    """

    name: str
    address: str
    rssi_dbm: int
    device: BLEDevice


class Radio:
    """An open adapter.

    Args:
        client_arguments: Passed to every ``BleakClient``.
        scanner_arguments: Passed to every ``BleakScanner``.
        bumble: The adapter, if this program drives it itself.

    Attributes:
        connect_lock: To be held during a connection attempt: many controllers fail if there are two at once.
    """

    def __init__(
        self, client_arguments: dict[str, Any], scanner_arguments: dict[str, Any], bumble: BumbleAdapter | None = None
    ) -> None:
        self._client_arguments = client_arguments
        self._scanner_arguments = scanner_arguments
        self._bumble = bumble
        self.connect_lock = asyncio.Lock()

    def client(self, device: BLEDevice, on_disconnected: Callable[[], None]) -> BleakClient:
        """Return a new client; a client that failed cannot be used again."""
        return BleakClient(
            device,
            lambda _client: on_disconnected(),
            timeout=CONNECT_TIMEOUT_S,
            pair=True,
            **self._client_arguments,
        )

    def scanner(self, on_found: Callable[[FoundSensor], None]) -> BleakScanner:
        """Return a scanner that calls back for every advertisement of a CWS sensor."""

        def on_advertisement(device: BLEDevice, advertised: AdvertisementData) -> None:
            if CWS_SERVICE in (uuid.lower() for uuid in advertised.service_uuids):
                name = advertised.local_name or device.name or device.address
                on_found(FoundSensor(name, device.address, advertised.rssi, device))

        return BleakScanner(on_advertisement, service_uuids=[CWS_SERVICE], **self._scanner_arguments)

    async def connected_sensors(self) -> list[FoundSensor]:
        """Return the CWS sensors that the system is connected to.

        After a crash of this program the system may keep a connection, and the sensor then does not advertise.
        """
        if self._bumble is not None:
            return []
        try:
            adapter = await BleakAdapter.get(**self._scanner_arguments)
            devices = await adapter.get_connected_devices([CWS_SERVICE])
        except (NotImplementedError, BleakError, OSError, EOFError):
            return []  # not supported here: such sensors are found when the system has dropped the connection
        return [FoundSensor(one.name or one.address, one.address, 0, one) for one in devices]

    async def rssi_dbm(self, address: str) -> int | None:
        """Return the signal strength of a connection; None if the system does not report it."""
        return None if self._bumble is None else await self._bumble.rssi_dbm(address)


@asynccontextmanager
async def open_radio(spec: str | None, *, bonds: Path | None = None) -> AsyncIterator[Radio]:
    """Open an adapter.

    Args:
        spec: See the module's documentation.
        bonds: File for the keys of paired sensors, used with Bumble only; otherwise the system stores them.

    Raises:
        UnavailableError: The adapter does not exist, is switched off, or may not be used by this program.
    """
    async with AsyncExitStack() as stack:
        if spec is not None and spec.startswith(_BUMBLE_PREFIX):
            adapter = await stack.enter_async_context(BumbleAdapter(spec.removeprefix(_BUMBLE_PREFIX), bonds))
            yield Radio(client_arguments(adapter), scanner_arguments(adapter), adapter)
            return
        arguments: dict[str, Any] = {} if spec is None else {"bluez": {"adapter": spec}}
        if sys.platform == "linux":
            await stack.enter_async_context(pairing_agent())
        yield Radio(arguments, arguments)


async def scan(spec: str | None, *, seconds: float, bonds: Path | None = None) -> list[FoundSensor]:
    """Scan for a while and return the CWS sensors found, strongest first.

    Raises:
        UnavailableError: There is no usable adapter.
    """
    found: dict[str, FoundSensor] = {}
    async with open_radio(spec, bonds=bonds) as radio:
        try:
            async with radio.scanner(lambda sensor: found.__setitem__(sensor.address, sensor)):
                await asyncio.sleep(seconds)
        except RADIO_ERRORS as error:
            raise unusable_adapter_error(error) from error
    return sorted(found.values(), key=lambda sensor: -sensor.rssi_dbm)


def unusable_adapter_error(error: Exception) -> UnavailableError:
    """Return an error that says why Bluetooth cannot be used, and what to do."""
    is_denied = isinstance(error, BleakBluetoothNotAvailableError) and "DENIED" in error.reason.name
    advice = (
        "Allow this program to use Bluetooth in the system's privacy settings."
        if is_denied
        else "Switch Bluetooth on (on Linux, check that bluetoothd runs and you are in the group bluetooth), plug in "
        "an adapter, or name one with --adapter. Without any, try: crampwatch demo."
    )
    return UnavailableError(f"Bluetooth cannot be used: {error or type(error).__name__}.", advice=advice)
