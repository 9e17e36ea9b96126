"""A simulated foot as a file, or as sensors on a radio."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import click
from crampwatch.app.cli.progress import progress_bar
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import announce_ready, run_service
from crampwatch.app.sessions.find import is_session
from crampwatch.firmware_sim.device.recorded import RecordedSource
from crampwatch.firmware_sim.radio.options import SensorOptions, SessionFile, SimulatorOptions
from crampwatch.firmware_sim.radio.service import run
from crampwatch.firmware_sim.scenarios import scenario, scenario_names
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.journal import SessionReader
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import truth_path, write

__all__ = ["Cast", "be_sensors", "list_scenarios", "write_file"]

_SEED_STEP: Final = 101
"""Between the seeds of sensors that play together: each foot its own muscles and its own night."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays on the radio.

    Attributes:
        scenario: What happens, unless a recording is played.
        seed: Of the first sensor.
        hours: Length; None for the scenario's own.
        play: A recording or session to play instead.
        options: How to read the recording.
        sensors: How many; a session brings its own.
        names: As advertised, at most 8 octets; those not given are CW-SIMA, CW-SIMB and so on.
    """

    scenario: str
    seed: int = 1
    hours: float | None = None
    play: Path | None = None
    options: ReaderOptions = ReaderOptions()  # noqa: RUF009 - frozen, so one for all is fine
    sensors: int = 1
    names: tuple[str, ...] = ()

    def members(self) -> tuple[SensorOptions, ...]:
        """Return the sensors.

        Raises:
            CrampwatchError: The scenario or the recording cannot be played.
        """
        if self.play is None:
            return tuple(self._simulated(number) for number in range(self.sensors))
        if is_session(self.play):
            if self.options.given:
                raise ConfigurationError(
                    f"{self.play} is a session of ours, which says itself how it is to be read.",
                    advice="Leave out --channels, --rate-hz, --scale and --column.",
                )
            return _of_session(self.play)
        recording = self.options.read(self.play)
        source = RecordedSource(recording)
        return (SensorOptions(self._name(0), partial(_same, source), origin=recording.origin, waits_for_start=True),)

    def _simulated(self, number: int) -> SensorOptions:
        opened = partial(
            scenario, self.scenario, seed=self.seed + number * _SEED_STEP, hours=self.hours, channels=2, rate_hz=1000.0
        )
        opened()  # here, so that what cannot be simulated is refused before anything starts
        return SensorOptions(self._name(number), opened, waits_for_start=True)

    def _name(self, number: int) -> str:
        return self.names[number] if number < len(self.names) else f"CW-SIM{chr(ord('A') + number)}"


def list_scenarios() -> None:
    """Print the scenarios and what they are."""
    for name, text in scenario_names().items():
        click.echo(f"{name:<12} {text}")


def write_file(out: Path, *, scenario: str, seed: int, hours: float | None) -> None:
    """Write a simulated recording and its truth.

    Raises:
        CrampwatchError: It cannot be simulated or written.
    """
    source = _open(scenario, seed, hours)
    if source.duration_samples is None:
        raise ConfigurationError(f"The scenario {scenario!r} never ends.", advice="Say how long by --hours.")
    with progress_bar(f"simulating {scenario}") as progress:
        write(out, simulated_recording(source, start_utc_ns=_tonight_ns()), truth=source.truth, progress=progress)
    seconds = (source.duration_samples or 0) / source.stream.rate_hz
    click.echo(
        f"{out}: {seconds / 3600:.2f} h of simulated data, {len(source.truth)} true events in {truth_path(out)}",
        err=True,
    )


def be_sensors(settings: Settings, cast: Cast, *, listen: str | None, hci: str | None, speed: float) -> None:
    """Be simulated sensors on a radio until stopped.

    Raises:
        CrampwatchError: The radio or the signal is not to be had.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = SimulatorOptions(
        cast.members(), listen=listen, hci=hci, speed=speed, seed=cast.seed, bond_path=folder.sensor_bonds
    )
    run_service("simulate", settings, lambda stop: run(options, stop=stop, ready=announce_ready), ailment=str)


def _open(name: str, seed: int, hours: float | None) -> SignalSource:
    return scenario(name, seed=seed, hours=hours)


def _tonight_ns() -> int:
    """Return the whole second that has just begun: a recording in UTC that opens anywhere."""
    return time.time_ns() // 1_000_000_000 * 1_000_000_000


def _same(source: SignalSource) -> SignalSource:
    return source


def _of_session(path: Path) -> tuple[SensorOptions, ...]:
    with SessionReader(path) as reader:
        return tuple(
            SensorOptions(
                one.name or one.sensor, SessionFile(path, one.sensor), serial=one.sensor, origin=Origin.REPLAY
            )
            for one in reader.sensors()
        )
