"""`crampwatch export`: a session in a format that other programs read."""

from pathlib import Path

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["export"]


@click.command(short_help="Write a session as EDF+, BDF+, Parquet, NumPy or CSV.")
@click.argument("session")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write; its suffix (.edf, .bdf, .parquet, .npz, .csv) selects the format.",
)
@click.option("--only", "sensor", metavar="SENSOR", help="Sensor to export, if the session has several.")
@settings_options()
def export(*, resolved: Resolved, session: str, out: Path, sensor: str | None) -> None:
    r"""Export a recorded session for other programs.

    SESSION is a file, a prefix of a session's name, or `last`. Gaps stay gaps. Episodes become annotations: inside
    EDF+, BDF+ and Parquet, in a separate file for the other formats. Parquet needs pyarrow: pip install
    'crampwatch[parquet]'.

    \b
    Examples:
      crampwatch export last --out night.edf
      crampwatch export 20261121T2204 --only CW-1A2B --out night.csv
    """
    from crampwatch.app.analysis.export import export_session
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.cli.wording import count_text
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.runtime.logs import log_to_terminal
    from crampwatch.app.sessions.find import find_session

    log_to_terminal(resolved.settings.log, least="warning")
    path = find_session(DataFolder(resolved.settings.data), session)
    with progress_bar(f"writing {out.name}") as progress:
        episodes = export_session(path, out, sensor=sensor, progress=progress)
    click.echo(f"{out}: written, with {count_text(episodes, 'episode')} as annotations.", err=True)
