"""Runs simulated sensors on a virtual or a real radio: a scenario, or a recording that is played."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.app.runtime.supervised import announce_ready
from crampwatch.app.sessions.find import is_session
from crampwatch.firmware_sim.device.recorded import RecordedSource
from crampwatch.firmware_sim.radio.options import SensorOptions, SessionFile, SimulatorOptions
from crampwatch.firmware_sim.radio.service import run
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.journal import SessionReader
from crampwatch.protocol.kinds import Origin

__all__ = ["SimulatedSensors", "run_simulated_sensors"]

_SEED_STEP: Final = 101
"""Between the seeds of sensors that run together: each foot has muscles and a night of its own."""


@dataclass(frozen=True, slots=True)
class SimulatedSensors:
    """Which sensors to simulate, and what each measures.

    Attributes:
        scenario: Name of the scenario; ignored where a recording is played.
        seed: Of the first sensor.
        hours: Length; None for the scenario's own.
        play: A recording or session to play instead.
        options: How to read the recording.
        sensors: Number of sensors; a session has its own, another recording one.
        names: Advertised names, at most 8 bytes each; missing ones are CW-SIMA, CW-SIMB and so on.
    """

    scenario: str
    seed: int = 1
    hours: float | None = None
    play: Path | None = None
    options: ReaderOptions = ReaderOptions()  # noqa: RUF009 - frozen, so that one instance may be shared
    sensors: int = 1
    names: tuple[str, ...] = ()

    def sensor_options(self) -> tuple[SensorOptions, ...]:
        """Return the options of each sensor.

        Raises:
            CrampwatchError: The scenario cannot be simulated, or the recording cannot be played.
        """
        if self.play is None:
            return tuple(self._scenario_sensor(number) for number in range(self.sensors))
        if is_session(self.play):
            self.options.refuse_for_session(self.play)
            return _session_sensors(self.play)
        recording = self.options.read(self.play)
        source = RecordedSource(recording)
        return (SensorOptions(self._name(0), _always(source), origin=recording.origin, waits_for_start=True),)

    def _scenario_sensor(self, number: int) -> SensorOptions:
        open_source = partial(
            scenario, self.scenario, seed=self.seed + number * _SEED_STEP, hours=self.hours, channels=2, rate_hz=1000.0
        )
        open_source()  # refuses what cannot be simulated before anything has started
        return SensorOptions(self._name(number), open_source, waits_for_start=True)

    def _name(self, number: int) -> str:
        return self.names[number] if number < len(self.names) else f"CW-SIM{chr(ord('A') + number)}"


def run_simulated_sensors(
    settings: Settings, sensors: SimulatedSensors, *, listen: str | None, hci: str | None, speed: float
) -> None:
    """Run sensors on a radio until stopped.

    Args:
        settings: Data folder and log.
        sensors: Which sensors.
        listen: Address of a virtual radio; None for a real one.
        hci: Transport of a real one, such as ``usb:0``.
        speed: How many times faster than real time; on a virtual radio only.

    Raises:
        CrampwatchError: The radio or the signal is not available.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = SimulatorOptions(
        sensors.sensor_options(),
        listen=listen,
        hci=hci,
        speed=speed,
        seed=sensors.seed,
        bond_path=folder.sensor_bonds,
    )
    run_service("simulate", settings, lambda stop: run(options, stop=stop, ready=announce_ready), check=str)


def _always(source: SignalSource) -> Callable[[], SignalSource]:
    return lambda: source


def _session_sensors(path: Path) -> tuple[SensorOptions, ...]:
    with SessionReader(path) as reader:
        return tuple(
            SensorOptions(
                one.name or one.sensor, SessionFile(path, one.sensor), serial=one.sensor, origin=Origin.REPLAY
            )
            for one in reader.sensors()
        )
