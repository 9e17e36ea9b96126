"""`crampwatch calibrate`: measures one wearer's own rest, toe curls and ankle movement."""

from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved

__all__ = ["calibrate"]

_LATEST_S = 1e9
"""Beyond any recording: keeps a typing error from being waited for."""


def _parse_span(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    try:
        span = float(first), float(last)
    except ValueError:
        span = 1.0, 0.0
    if not dash or not 0.0 <= span[0] < span[1] < _LATEST_S:
        raise click.BadParameter(f"{text!r} is not a range of seconds such as 20-40.")
    return span


@click.command(short_help="Measure a wearer's own strength and rest, in a minute (optional).")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sensor", metavar="NAME", help="Sensor to calibrate, if there are several.")
@click.option(
    "--seconds",
    "phase_s",
    default=20.0,
    show_default=True,
    type=click.FloatRange(8.0, 120.0),
    metavar="SECONDS",
    help="Live only: length of each phase.",
)
@click.option(
    "--rest", callback=_parse_span, metavar="FROM-TO", help="With FILE: seconds in which the wearer lay still."
)
@click.option("--curl", callback=_parse_span, metavar="FROM-TO", help="With FILE: seconds of toe curls.")
@click.option(
    "--ankle", callback=_parse_span, metavar="FROM-TO", help="With FILE: seconds of ankle movement (optional)."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With a recording: calibration file to write  [default: FILE.calibration.json]",
)
@reader_options
@settings_options("broker")
def calibrate(*, resolved: Resolved, file: Path | None, sensor: str | None, phase_s: float, **options: Any) -> None:
    r"""Guide the wearer through rest, toe curls and ankle movement, and save what was measured.

    Without FILE it uses a sensor of a running `crampwatch wear`, shows what to do and what is measured. The calibration
    applies to this sensor at this place on the foot, from ten seconds later on. A poor calibration is refused, with the
    reason.

    With FILE, a session or a recording, the ranges that you give are used. For a session the calibration is saved in
    the data folder; for a recording it is written to a file for `crampwatch detect --calibration`.

    \b
    Examples:
      crampwatch calibrate
      crampwatch calibrate --sensor CW-1A2B
      crampwatch calibrate evening.edf --rest 2-20 --curl 20-40 --ankle 40-60
    """
    from crampwatch.app.calibration.console import calibrate_file, calibrate_on_terminal
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="warning")
    spans = {name: options.pop(name) for name in ("rest", "curl", "ankle")}
    out = options.pop("out")
    if file is None:
        calibrate_on_terminal(resolved.settings, sensor=sensor, phase_s=phase_s, spans=spans)
    else:
        calibrate_file(resolved.settings, file, ReaderOptions(**options), sensor=sensor, spans=spans, out=out)
