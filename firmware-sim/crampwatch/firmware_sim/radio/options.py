"""Options of the simulator service and of its sensors."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin

__all__ = ["Outage", "SensorOptions", "SessionFile", "SimulatorOptions"]

_CRYSTAL_PPM = 30.0
"""A watch crystal is accurate to 20 to 50 ppm."""
_WANDER_PPM = 2.0
"""As a bed warms up; see `DriftingClock`."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time out of radio range, in real seconds since the sensor started."""

    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A session file of crampwatch to replay.

    Attributes:
        path: Of the session file.
        sensor: Id of one of its sensors; None if there is only one.
    """

    path: Path
    sensor: str | None = None


@dataclass(frozen=True, slots=True)
class SensorOptions:
    """Options of one sensor.

    Attributes:
        name: As advertised; an advertisement has room for 8 bytes of it, ``CW-XXXX`` fits.
        source: Opens the signal, or names a session to replay byte for byte.
        serial: Serial number, from which the address is made; None for the name.
        origin: ``demo`` or ``replay``, as the sensor marks its samples. The replay of a session keeps its recorded
            mark, or gets ``replay`` if a person was recorded.
        waits_for_start: Start the signal when a host starts the stream instead of when the sensor starts; None does so
            for replays only, so that a host misses nothing of the recording.
        clock: Crystal of the sensor; None for one with an error of up to 30 ppm, determined by seed and serial number.
        ring_s: Seconds of samples that it remembers.
        battery_percent: At the start.
        air: Loss and signal strength; virtual radio only.
        outages: When it is out of range; virtual radio only.
    """

    name: str
    source: Callable[[], SignalSource] | SessionFile
    serial: str | None = None
    origin: Origin = Origin.DEMO
    waits_for_start: bool | None = None
    clock: DriftingClock | None = None
    ring_s: float = 600.0
    battery_percent: float = 100.0
    air: AirPath = AirPath()  # noqa: RUF009 - frozen, so one for all is fine
    outages: tuple[Outage, ...] = ()

    @property
    def address(self) -> str:
        """Static random address made of the serial number (Core 5.4, Vol 6, Part B, 1.3.2.1)."""
        digest = bytearray(hashlib.sha256((self.serial or self.name).encode()).digest()[:6])
        digest[0] |= 0xC0
        return digest.hex(":").upper()

    def clock_for(self, seed: int) -> DriftingClock:
        """Return the crystal of the sensor."""
        if self.clock is not None:
            return self.clock
        rng = random.Random(f"{seed} crystal {self.serial or self.name}")  # noqa: S311 - a model, not a secret
        return DriftingClock(ppm=rng.uniform(-_CRYSTAL_PPM, _CRYSTAL_PPM), wander_ppm=_WANDER_PPM)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Options of the simulator service: sensors on one radio, virtual or real.

    Attributes:
        sensors: At least one.
        listen: ``HOST:PORT`` for the HCI server of the virtual radio; port 0 chooses a free one.
        hci: Instead of `listen`: a Bumble transport of a real controller, such as ``usb:0``, for a single sensor.
        speed: How many times faster than real time sensors run.
        seed: Of crystals and packet loss; signals have seeds of their own.
        bond_path: File for the bonds of the sensors; None keeps them in memory.
    """

    sensors: tuple[SensorOptions, ...]
    listen: str | None = None
    hci: str | None = None
    speed: float = 1.0
    seed: int = 0
    bond_path: Path | None = None

    def check(self) -> None:
        """Check the options against one another.

        Raises:
            ConfigurationError: The options contradict each other.
        """
        if (self.listen is None) == (self.hci is None):
            raise ConfigurationError("The simulator needs one radio: an address to listen on, or a real controller.")
        if not self.sensors or (self.hci is not None and len(self.sensors) > 1):
            raise ConfigurationError(
                f"{len(self.sensors)} sensors cannot be simulated on this radio.",
                advice="A real controller carries one sensor, the virtual radio one or more.",
            )
        if len({sensor.address for sensor in self.sensors}) != len(self.sensors):
            raise ConfigurationError(
                "Two simulated sensors have the same serial number.", advice="Give them different names."
            )
        if not 0.01 <= self.speed <= 1000:
            raise ConfigurationError(f"The speed {self.speed:g} is out of range.", advice="Choose 0.01 to 1000.")
        if self.hci is not None and self.speed != 1.0:
            raise ConfigurationError("Real radio waves cannot be sped up.", advice="Leave the speed at 1.")
