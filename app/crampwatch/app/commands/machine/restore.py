"""`crampwatch restore`: what a backup holds, put back."""

from pathlib import Path

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["restore"]


@click.command(short_help="Put back what a backup holds.")
@click.argument("archive", type=click.Path(path_type=Path))
@settings_options("store")
def restore(*, resolved: Resolved, archive: Path) -> None:
    r"""Put what ARCHIVE holds into a data folder without recordings, and its points into the InfluxDB of --store.

    Every file is checked first; nothing is put back from an archive that is damaged, and nothing is written over.

    \b
    Examples:
      crampwatch restore crampwatch-20260101T060000Z.tar.gz
      crampwatch restore backup.tar.gz --data /srv/crampwatch --store http://127.0.0.1:8086
    """
    from crampwatch.app.backup import create as backup
    from crampwatch.app.backup.influx_copy import copy_of
    from crampwatch.app.config.data_folder import DataFolder

    folder = DataFolder(resolved.settings.data)
    content = backup.restore(archive, folder, database=copy_of(resolved.settings.store))
    click.echo(
        f"{folder.root}: {content.sessions} session(s), {len(content.files)} files and {content.points} points of "
        f"{content.made_utc}, made by crampwatch {content.version}."
    )
