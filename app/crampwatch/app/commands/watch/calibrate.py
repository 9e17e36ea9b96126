"""`crampwatch calibrate`: what one wearer's own rest, toe curls and ankle movement look like."""

from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved

__all__ = ["calibrate"]


def _span(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    try:
        span = float(first), float(last)
    except ValueError:
        span = 1.0, 0.0
    if not dash or not 0.0 <= span[0] < span[1] < 1e9:
        raise click.BadParameter(f"{text!r} is no stretch of seconds such as 20-40.")
    return span


@click.command(short_help="Learn a wearer's own strength and rest, in a minute (optional).")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sensor", metavar="NAME", help="Which sensor, where there are several.")
@click.option(
    "--seconds",
    "phase_s",
    default=20.0,
    show_default=True,
    type=click.FloatRange(8.0, 120.0),
    help="Length of each phase, live.",
)
@click.option("--rest", callback=_span, metavar="FROM-TO", help="Of a file: seconds in which the wearer lay still.")
@click.option("--curl", callback=_span, metavar="FROM-TO", help="Of a file: seconds of toe curls.")
@click.option("--ankle", callback=_span, metavar="FROM-TO", help="Of a file: seconds of ankle movement; optional.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Of a recording: where to write it.")
@reader_options
@settings_options("broker")
def calibrate(*, resolved: Resolved, file: Path | None, sensor: str | None, phase_s: float, **options: Any) -> None:
    r"""Lead the wearer through rest, toe curls and ankle movement, and keep what was learnt.

    Live it listens to a sensor of a running `crampwatch wear`, says what to do and shows what it sees. It holds for
    this sensor at this place on the foot, from ten seconds later on. A poor calibration is refused, with the reason.

    With FILE, a session or a recording, it is made of the stretches you name. Of a recording it is written to a file
    that `crampwatch detect --calibration` takes.

    \b
    Examples:
      crampwatch calibrate
      crampwatch calibrate --sensor CW-1A2B
      crampwatch calibrate evening.edf --rest 2-20 --curl 20-40 --ankle 40-60
    """
    from crampwatch.app.calibration import console as calibration_talk
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="warning")
    spans = {name: options.pop(name) for name in ("rest", "curl", "ankle")}
    out = options.pop("out")
    if file is None:
        calibration_talk.live(resolved.settings, sensor=sensor, phase_s=phase_s, spans=spans)
    else:
        calibration_talk.of_file(resolved.settings, file, ReaderOptions(**options), sensor=sensor, spans=spans, out=out)
