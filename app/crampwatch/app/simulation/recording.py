"""Writes simulated recordings, with the truth beside them, and lists the scenarios."""

import time
from pathlib import Path

import click
from crampwatch.app.cli.progress import progress_bar
from crampwatch.app.cli.wording import count_text, length_text
from crampwatch.firmware_sim.scenarios import scenario, scenario_names
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings import truth_path, write

__all__ = ["list_scenarios", "write_simulated_recording"]


def list_scenarios() -> None:
    """Print the scenarios with their descriptions."""
    for name, text in scenario_names().items():
        click.echo(f"{name:<12} {text}")


def write_simulated_recording(out: Path, *, name: str, seed: int, hours: float | None) -> None:
    """Write a recording of a scenario, and its true events beside it.

    Args:
        out: The suffix decides the format.
        name: Of the scenario.
        seed: The same seed gives the same samples.
        hours: Length; None for the scenario's own.

    Raises:
        CrampwatchError: The scenario cannot be simulated, has no end, or the file cannot be written.
    """
    source = scenario(name, seed=seed, hours=hours)
    if source.duration_samples is None:
        raise ConfigurationError(f"The scenario {name!r} has no end of its own.", advice="Give its length by --hours.")
    with progress_bar(f"simulating {name}") as progress:
        write(out, simulated_recording(source, start_utc_ns=_this_second_ns()), truth=source.truth, progress=progress)
    length = length_text(source.duration_samples / source.stream.rate_hz)
    events = count_text(len(source.truth), "true event")
    click.echo(f"{out}: {length} of simulated data; {events} in {truth_path(out)}", err=True)


def _this_second_ns() -> int:
    """Return the current time in whole seconds, which is as exact as the headers of EDF and BDF."""
    return time.time_ns() // 1_000_000_000 * 1_000_000_000
