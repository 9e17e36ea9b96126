"""The simulator service: simulated sensors on a virtual radio, or one on a real controller."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from bumble import core, hci
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink, Transport, TransportSink, TransportSource
from crampwatch.firmware_sim.device.device import Device, DeviceConfig
from crampwatch.firmware_sim.device.outgoing import SensorCore
from crampwatch.firmware_sim.device.replay import ReplayDevice
from crampwatch.firmware_sim.device.timeline import Timeline
from crampwatch.firmware_sim.radio.air import Air
from crampwatch.firmware_sim.radio.controller import AirController
from crampwatch.firmware_sim.radio.hci_server import HciServer
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.firmware_sim.radio.options import SensorOptions, SessionFile, SimulatorOptions
from crampwatch.firmware_sim.radio.peripheral import Identity, Peripheral
from crampwatch.journal import SessionReader
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.kinds import Origin

__all__ = ["Simulator", "run"]

_log = logging.getLogger(__name__)

_OPEN_TIMEOUT_S: Final = 10.0
_QUEUE_S: Final = 2.0


async def run(options: SimulatorOptions, *, stop: asyncio.Event, ready: Callable[[str], None] | None = None) -> None:
    """Simulate until `stop` is set.

    Args:
        options: Sensors and radio.
        stop: Ends the service.
        ready: Called once, with the address for hosts (``HOST:PORT``) or the transport of a real controller.

    Raises:
        ConfigurationError: The options contradict each other.
        UnavailableError: The address is in use, or the real controller is missing or was lost.
    """
    simulator = Simulator(options)
    try:
        address = await simulator.start()
        if ready is not None:
            ready(address)
        stopping = asyncio.create_task(stop.wait())
        failing = asyncio.create_task(simulator.wait_lost())
        await asyncio.wait([stopping, failing], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, failing):
            task.cancel()
        if not stop.is_set():
            raise UnavailableError(
                f"The Bluetooth controller {options.hci} was lost.", advice="Plug it in again and restart."
            )
    finally:
        await simulator.stop()


class Simulator:
    """Sensors on a radio; tests and demonstrations can change radio conditions and press buttons while it runs.

    Raises:
        ConfigurationError: The options contradict each other.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        options.check()
        self._options = options
        self._air = Air(seed=options.seed, speed=options.speed)
        self._server = HciServer(self._air)
        self._transport: Transport | None = None
        self._controllers: list[AirController] = []
        self._peripherals: dict[str, Peripheral] = {}
        self._sensors: dict[str, SensorCore] = {}
        self._clocks: dict[str, Callable[[], float]] = {}
        self._spells: list[asyncio.TimerHandle] = []
        self._readers: list[SessionReader] = []

    @property
    def address(self) -> str:
        """``HOST:PORT`` for the ``tcp-client:`` transport of a host, or the transport of the real controller."""
        return self._options.hci if self._options.hci is not None else self._server.address

    async def start(self) -> str:
        """Start the sensors; return :attr:`address`.

        Raises:
            UnavailableError: The address is in use or the real controller is missing.
            RecordingError: A signal cannot be read.
        """
        if self._options.hci is None:
            await self._server.start(self._options.listen or "")
            for options in self._options.sensors:
                await self._put_on_air(options)
        else:
            self._transport = await _open_controller(self._options.hci)
            await self._power_on(self._options.sensors[0], self._transport.source, self._transport.sink)
        _log.info("%d simulated sensor(s) on %s", len(self._peripherals), self.address)
        return self.address

    async def stop(self) -> None:
        """Stop all sensors and the radio; may be called twice."""
        for spell in self._spells:
            spell.cancel()
        for peripheral in self._peripherals.values():
            await peripheral.stop()
        for controller in self._controllers:
            self._air.detach(controller)
        await self._server.stop()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()
        for reader in self._readers:
            reader.close()
        self._peripherals.clear()

    async def wait_lost(self) -> None:
        """Return when a real controller is lost; a virtual one never is."""
        if self._transport is None:
            await asyncio.Event().wait()
        else:
            await asyncio.wait([self._transport.source.terminated])

    def set_air(self, name: str, air: AirPath) -> None:
        """Change range, loss and signal strength around a sensor; virtual radio only."""
        self._air.set_path(self._peripherals[name].address, air)

    def press_button(self, name: str) -> None:
        """Press a sensor's button.

        Raises:
            ConfigurationError: It replays a recorded session.
        """
        sensor = self._sensors[name]
        if not isinstance(sensor, Device):
            raise ConfigurationError(f"{name} replays a recorded session, so its button cannot be pressed.")
        sensor.press_button(self._clocks[name]())
        self._peripherals[name].wake()

    async def _put_on_air(self, options: SensorOptions) -> None:
        controller = AirController(options.name, self._air, hci.Address.ANY)
        self._controllers.append(controller)
        await self._power_on(options, controller, AsyncPipeSink(controller))
        address = self._peripherals[options.name].address
        self._air.set_path(address, options.air)
        loop = asyncio.get_running_loop()
        away = AirPath(options.air.loss, in_range=False, rssi_dbm=options.air.rssi_dbm)
        for spell in options.outages:
            end_s = spell.start_s + spell.duration_s
            self._spells.append(loop.call_later(spell.start_s, self._air.set_path, address, away))
            self._spells.append(loop.call_later(end_s, self._air.set_path, address, options.air))

    async def _power_on(self, options: SensorOptions, source: TransportSource, sink: TransportSink) -> None:
        sensor = await self._new_sensor(options)
        started_s = time.monotonic()

        def clock() -> float:
            return (time.monotonic() - started_s) * self._options.speed

        peripheral = Peripheral(
            sensor,
            Identity(options.address, options.serial or options.name),
            source,
            sink,
            clock=clock,
            bonds=self._options.bond_path,
            speed=self._options.speed,
        )
        self._sensors[options.name] = sensor
        self._clocks[options.name] = clock
        self._peripherals[options.name] = peripheral
        await peripheral.start()

    async def _new_sensor(self, options: SensorOptions) -> SensorCore:
        if isinstance(options.source, SessionFile):
            reader, key = _open_session(options.source)
            self._readers.append(reader)
            return ReplayDevice(options.name, Timeline(lambda: reader.records(key)))
        waits = options.origin is Origin.REPLAY if options.waits_for_start is None else options.waits_for_start
        config = DeviceConfig(
            name=options.name,
            origin=options.origin,
            clock=options.clock_for(self._options.seed),
            ring_s=options.ring_s,
            queue_s=_QUEUE_S * max(1.0, self._options.speed),
            waits_for_start=waits,
            battery_percent=options.battery_percent,
        )
        source = await asyncio.to_thread(options.source)  # a recording may have to be read once first
        return Device(config, source)


def _open_session(session: SessionFile) -> tuple[SessionReader, int]:
    """Open a session and find the sensor to replay."""
    reader = SessionReader(session.path)
    sensors = {sensor.sensor: sensor.key for sensor in reader.sensors()}
    wanted = [key for sensor, key in sensors.items() if session.sensor in (None, sensor)]
    if len(wanted) != 1:
        reader.close()
        asked = "one sensor" if session.sensor is None else f"sensor {session.sensor}"
        raise ConfigurationError(
            f"{session.path} has the sensors {', '.join(sensors) or '(none)'}; {asked} was expected.",
            advice="Name one of them.",
        )
    return reader, wanted[0]


async def _open_controller(spec: str) -> Transport:
    try:
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            return await open_transport(spec)
    except (OSError, ValueError, ImportError, RuntimeError, core.BaseBumbleError) as error:
        raise UnavailableError(
            f"The Bluetooth controller {spec} cannot be opened: {str(error) or type(error).__name__}.",
            advice="Check that the dongle is plugged in and not used by another program.",
        ) from error
