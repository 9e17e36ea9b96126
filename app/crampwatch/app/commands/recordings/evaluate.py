"""`crampwatch evaluate`: measures how well the detector finds what really happened."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import json_option, reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved

__all__ = ["evaluate"]


@click.command(short_help="Measure how well episodes are found in annotated recordings.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--scenario", default="night-hard", show_default=True, metavar="NAME", help="Scenario of simulated nights."
)
@click.option(
    "--seeds", default="tuning:4", show_default=True, metavar="SET[:N]|LIST", help="Seeds of simulated nights."
)
@click.option(
    "--hours", type=float, metavar="H", help="Length of each simulated night in hours.  [default: that of the scenario]"
)
@click.option(
    "--pairs",
    default=2,
    show_default=True,
    type=click.IntRange(1, 4),
    metavar="N",
    help="Electrode pairs (channels) simulated.",
)
@click.option(
    "--sampling",
    "sampling_hz",
    default=1000.0,
    show_default=True,
    type=float,
    metavar="HZ",
    help="Sampling rate of simulated nights.",
)
@click.option("--unknown-scale", is_flag=True, help="Hide the scale in microvolts from the detector.")
@click.option("--calibrated", is_flag=True, help="Calibrate each simulated wearer before the night.")
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1), metavar="N", help="Nights analysed in parallel."
)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Cache simulated nights here."
)
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write an HTML report here."
)
@click.option(
    "--plots",
    default=200,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Maximum number of errors plotted in the report.",
)
@reader_options
@json_option("Print the figures as JSON.")
@settings_options()
def evaluate(*, resolved: Resolved, as_json: bool, **options: Any) -> None:
    r"""Run the detector over recordings with known events, and score what it finds.

    Without FILES, nights are simulated, and all figures say so. Seeds are numbers such as 1-8, or a set: `tuning`
    seeds are for development; `reporting` seeds are held out, so don't look at them while tuning.

    FILES are recordings with FILE.annotations.csv beside them, made by a person, or with the true events that
    `crampwatch simulate` wrote.

    \b
    Examples:
      crampwatch evaluate --scenario night-hard --seeds tuning:4 --jobs 2 --keep /tmp/nights
      crampwatch evaluate --scenario night-calm --seeds 1-8 --hours 2 --json
      crampwatch evaluate --seeds reporting --report out/
      crampwatch evaluate emg.txt --rate-hz 1000 --column 1
    """
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.cli.tables import print_table
    from crampwatch.app.evaluation.evaluate import evaluate as run
    from crampwatch.app.evaluation.request import Request
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="warning")
    reader = ReaderOptions(**{field.name: options.pop(field.name) for field in fields(ReaderOptions)})
    request = Request(reader=reader, **options)
    with progress_bar("evaluating") as progress:
        evaluated = run(request, progress=progress)
    if request.report:
        click.echo(f"Report: {evaluated.write(request.report)}", err=True)
    if as_json:
        click.echo(json.dumps(evaluated.to_dict(), allow_nan=False, indent=2))
        return
    click.echo(evaluated.headline)
    for table in evaluated.tables:
        click.echo(table.title)
        print_table(table.heads, table.rows, caption=table.caption)
