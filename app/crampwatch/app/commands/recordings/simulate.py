"""`crampwatch simulate`: a simulated foot, as a file or as a sensor on a radio."""

from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["simulate"]


@click.command(short_help="Write a simulated recording, or be a simulated sensor.")
@click.option("--scenario", default="night", show_default=True, metavar="NAME", help="What happens; see --list.")
@click.option("--list", "list_scenarios", is_flag=True, help="List the scenarios and end.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Decides the foot and its night.")
@click.option("--hours", type=float, metavar="H", help="Length; the scenario's own where not given.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write .edf, .bdf, .parquet, .npz or .csv."
)
@click.option("--listen", metavar="HOST:PORT", help="Be a sensor on a virtual radio that listens there.")
@click.option("--hci", metavar="TRANSPORT", help="Be a sensor in the air, by a dongle such as usb:0.")
@click.option("--play", "play", type=click.Path(path_type=Path), metavar="FILE", help="Play a recording instead.")
@click.option("--sensors", default=1, show_default=True, type=click.IntRange(1, 16), help="How many sensors.")
@click.option("--speed", default=1.0, show_default=True, type=float, help="Times faster than life; virtual radio only.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="Name a sensor advertises; once for each.")
@reader_options
@settings_options()
def simulate(
    *,
    resolved: Resolved,
    scenario: str,
    list_scenarios: bool,
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
    r"""Simulate a foot from physiology: write a recording with its truth beside it, or act as a sensor.

    The same scenario, seed and length always give the same samples. Simulated data says so wherever it goes.

    \b
    Examples:
      crampwatch simulate --scenario night --seed 7 --hours 8 --out night.edf
      crampwatch simulate --scenario cramp --listen 127.0.0.1:41001
      crampwatch simulate --scenario cramp --hci usb:0
    """
    from crampwatch.app.supervise import simulate as simulating

    if list_scenarios:
        simulating.list_scenarios()
    elif out is not None and listen is None and hci is None and play is None:
        simulating.write_file(out, scenario=scenario, seed=seed, hours=hours)
    elif out is None and (listen is None) != (hci is None):
        reader = ReaderOptions(**options)
        cast = simulating.Cast(
            scenario, seed=seed, hours=hours, play=play, options=reader, sensors=sensors, names=names
        )
        simulating.be_sensors(resolved.settings, cast, listen=listen, hci=hci, speed=speed)
    else:
        raise ConfigurationError(
            "It is not clear what the simulation is for.",
            advice="Give one of --out FILE, --listen HOST:PORT or --hci TRANSPORT; --play goes with the latter two.",
        )
