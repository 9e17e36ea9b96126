"""`crampwatch replay FILE`: a recording through the whole pipeline."""

from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import EVENTS_HELP, duration_option, json_option, reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved
from crampwatch.protocol.errors import RecordingError

__all__ = ["replay"]


@click.command(short_help="Play a recording through the whole pipeline.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.1, 100),
    metavar="N",
    help="Playback speed (10 = ten times real time).",
)
@duration_option("Stop this many seconds after the first sample.")
@reader_options
@json_option(EVENTS_HELP)
@settings_options("broker", "store", "web", "home", "ops")
def replay(
    *, resolved: Resolved, file: Path, speed: float, duration_s: float | None, as_json: bool, **options: Any
) -> int:
    r"""Play FILE as a sensor would send it: radio, collector, broker, detector, store and live page.

    Crampwatch sessions are played byte for byte; `crampwatch detect --help` lists the other formats. Stops at the end
    of the recording. Each replay starts afresh in the folder `replay` of the data folder.

    \b
    Examples:
      crampwatch replay night.edf --speed 10
      crampwatch replay emg.txt --rate-hz 1000 --column 1 --no-browser
    """
    from crampwatch.app.supervise.plan import Plan
    from crampwatch.app.supervise.run import run_plan, with_subfolder

    if not file.is_file():
        raise RecordingError(f"No such file: {str(file)!r}.", advice="Check the spelling and the folder.")
    plan = Plan(
        "replay",
        with_subfolder(resolved.settings, "replay"),
        simulate=("--play", str(file.resolve()), "--name", "CW-PLAY", *ReaderOptions(**options).arguments()),
        speed=speed,
        duration_s=duration_s,
        ends_with_recording=True,
    )
    return run_plan(plan, as_json=as_json, clear_first=True)
