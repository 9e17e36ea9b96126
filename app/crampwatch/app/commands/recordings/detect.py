"""`crampwatch detect FILE`: the streaming detector over a recording, without radio or broker."""

import json
from pathlib import Path
from typing import Any

import click
from crampwatch.app.cli.options import json_option, reader_options, settings_options
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.resolve import Resolved

__all__ = ["detect"]


@click.command(short_help="Find episodes in a recording or session.")
@click.argument("file", type=click.Path(path_type=Path))
@reader_options
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CALIBRATION",
    help="Calibration file of the same wearer and electrodes, written by `crampwatch calibrate`.",
)
@json_option("Print JSON Lines, one episode per line.")
@settings_options()
def detect(*, resolved: Resolved, file: Path, calibration: Path | None, as_json: bool, **options: Any) -> None:
    r"""Find episodes in FILE with the streaming detector, as it would have found them live.

    FILE is a crampwatch session, EDF/EDF+/BDF, WFDB (header or signal file), NumPy .npz (emg, rate_hz, temp_c, labels)
    or a text table. Notes on how it was read are printed on standard error.

    \b
    Examples:
      crampwatch detect night.edf
      crampwatch detect night.edf --channels "Left Leg,Right Leg" --json
      crampwatch detect emg.txt --rate-hz 1000 --column 1 --scale 0.75
    """
    from crampwatch.app.analysis.detect_file import detect_in_file
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.runtime.logs import log_to_terminal
    from crampwatch.detector.service.calibration_files import load_calibration

    log_to_terminal(resolved.settings.log, least="warning")
    with progress_bar("detecting") as progress:
        loaded = None if calibration is None else load_calibration(calibration)
        result = detect_in_file(file, ReaderOptions(**options), progress=progress, calibration=loaded)
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        for line in result.lines:
            click.echo(json.dumps(line.to_dict(), allow_nan=False))
        return
    from crampwatch.app.cli.tables import print_table

    has_sensors = any(line.sensor for line in result.lines)
    heads = (
        *(["sensor"] if has_sensors else []),
        "start",
        "length",
        "kind",
        "channels",
        "confidence",
        "peak",
        "reasons",
    )
    print_table(
        heads,
        [line.to_cells(unit=result.unit) for line in result.lines],
        caption=f"{result.counts_text()}. Likely, not certain: this is not a medical device.",
    )
