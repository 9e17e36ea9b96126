"""What a simulator is asked to simulate."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.radio.arq import AirPath
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin

__all__ = ["SensorOptions", "SessionFile", "SimulatorOptions", "Spell"]

_CRYSTAL_PPM = 30.0
_WANDER_PPM = 2.0


@dataclass(frozen=True, slots=True)
class Spell:
    """A time out of range, in real seconds since the sensor went on the air."""

    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A session of ours to play again.

    Attributes:
        path: Of the session file.
        sensor: Which of its sensors, by its id; None for the only one.
    """

    path: Path
    sensor: str | None = None


@dataclass(frozen=True, slots=True)
class SensorOptions:
    """One sensor.

    Attributes:
        name: As advertised; the advertisement shows 8 octets of it, ``CW-XXXX`` fits.
        source: Opens the signal, or names a session to play again octet by octet.
        serial: Serial number; None takes the name. The address on the air is made of it.
        origin: ``demo`` or ``replay``: what the sensor says of its samples. A session played again
            says what it said when it was recorded, and ``replay`` where that was a person.
        waits_for_start: Begin the signal when a host starts the stream rather than when the sensor goes on the air;
            None does so for replays, so that nothing of the recording is played to nobody.
        clock: The sensor's crystal; None takes one after seed and serial, within 30 ppm.
        ring_s: Seconds of samples it remembers.
        battery_percent: When it goes on the air.
        air: Loss and signal strength around it; virtual radio only.
        spells: When it is out of range; virtual radio only.
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
    spells: tuple[Spell, ...] = ()

    @property
    def address(self) -> str:
        """Static random address made of the serial number (Core 5.4, Vol 6, Part B, 1.3.2.1)."""
        digest = bytearray(hashlib.sha256((self.serial or self.name).encode()).digest()[:6])
        digest[0] |= 0xC0
        return digest.hex(":").upper()

    def clock_for(self, seed: int) -> DriftingClock:
        """Return the sensor's crystal."""
        if self.clock is not None:
            return self.clock
        chance = random.Random(f"{seed} crystal {self.serial or self.name}")  # noqa: S311 - a model, not a secret
        return DriftingClock(ppm=chance.uniform(-_CRYSTAL_PPM, _CRYSTAL_PPM), wander_ppm=_WANDER_PPM)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """What the simulator service runs: sensors on one radio, virtual or real.

    Attributes:
        sensors: At least one.
        listen: ``HOST:PORT`` of the virtual radio's HCI server; port 0 takes a free one.
        hci: A Bumble transport of a real controller, such as ``usb:0``, instead: it carries one sensor.
        speed: How many times faster than real time sensors live.
        seed: Of crystals and of loss; signals have their own.
        bond_path: Where sensors keep their bonds; None forgets them.
    """

    sensors: tuple[SensorOptions, ...]
    listen: str | None = None
    hci: str | None = None
    speed: float = 1.0
    seed: int = 0
    bond_path: Path | None = None

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: The options contradict each other.
        """
        if (self.listen is None) == (self.hci is None):
            raise ConfigurationError("The simulator needs one radio: an address to listen on, or a real controller.")
        if not self.sensors or (self.hci is not None and len(self.sensors) > 1):
            raise ConfigurationError(
                f"{len(self.sensors)} sensors were to be simulated.",
                advice="A real controller carries one sensor, the virtual radio one or more.",
            )
        if len({sensor.address for sensor in self.sensors}) != len(self.sensors):
            raise ConfigurationError("Two simulated sensors have the same serial number.", advice="Name them apart.")
        if not 0.01 <= self.speed <= 1000:
            raise ConfigurationError(f"A speed of {self.speed:g} was asked for.", advice="Choose 0.01 to 1000.")
        if self.hci is not None and self.speed != 1.0:
            raise ConfigurationError("Real radio waves cannot be sped up.", advice="Leave the speed at 1.")
