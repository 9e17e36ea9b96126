"""`crampwatch simulate`: a simulated foot, as a recording or as sensors on a radio."""

from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["simulate"]


@click.command(short_help="Generate a simulated recording or act as a simulated sensor.")
@click.option("--scenario", default="night", show_default=True, metavar="NAME", help="What happens; see --list.")
@click.option("--list", "list_only", is_flag=True, help="List scenarios and exit.")
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Random seed; same seed, same night.",
)
@click.option("--hours", type=float, metavar="H", help="Length in hours.  [default: that of the scenario]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a recording; the suffix (.edf, .bdf, .parquet, .npz, .csv) selects the format.",
)
@click.option("--listen", metavar="HOST:PORT", help="Act as a sensor on a virtual radio that listens here.")
@click.option("--hci", metavar="TRANSPORT", help="Act as a sensor over the air, with a dongle such as usb:0.")
@click.option("--play", type=click.Path(path_type=Path), metavar="FILE", help="Send a recording instead of a scenario.")
@click.option(
    "--sensors", default=1, show_default=True, type=click.IntRange(1, 16), metavar="N", help="Number of sensors."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=float,
    metavar="N",
    help="Playback speed (10 = ten times real time); virtual radio only.",
)
@click.option("--name", "names", multiple=True, metavar="NAME", help="Advertised sensor name; repeat for each sensor.")
@reader_options
@settings_options()
def simulate(
    *,
    resolved: Resolved,
    scenario: str,
    list_only: bool,
    seed: int,
    hours: float | None,
    out: Path | None,
    listen: str | None,
    hci: str | None,
    play: Path | None,
    sensors: int,
    speed: float,
    names: tuple[str, ...],
    **options: Any,
) -> None:
    r"""Simulate a foot from its physiology: write a recording and its true events, or act as a sensor.

    The same scenario, seed and length always give the same samples. Simulated data is marked as such everywhere.

    \b
    Examples:
      crampwatch simulate --scenario night --seed 7 --hours 8 --out night.edf
      crampwatch simulate --scenario cramp --listen 127.0.0.1:41001
      crampwatch simulate --scenario cramp --hci usb:0
    """
    from crampwatch.app.simulation.recording import list_scenarios, write_simulated_recording
    from crampwatch.app.simulation.sensors import SimulatedSensors, run_simulated_sensors

    if list_only:
        list_scenarios()
    elif out is not None and listen is None and hci is None and play is None:
        write_simulated_recording(out, name=scenario, seed=seed, hours=hours)
    elif out is None and (listen is None) != (hci is None):
        reader = ReaderOptions(**options)
        simulated = SimulatedSensors(
            scenario, seed=seed, hours=hours, play=play, options=reader, sensors=sensors, names=names
        )
        run_simulated_sensors(resolved.settings, simulated, listen=listen, hci=hci, speed=speed)
    else:
        raise ConfigurationError(
            "Choose one of --out, --listen and --hci.",
            advice="--play goes with --listen or --hci. `crampwatch simulate --help` has examples.",
        )
