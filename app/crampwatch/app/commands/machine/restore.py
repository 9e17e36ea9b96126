"""`crampwatch restore`: everything that a backup holds."""

from pathlib import Path

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["restore"]


@click.command(short_help="Restore a backup.")
@click.argument("archive", type=click.Path(path_type=Path))
@settings_options("store")
def restore(*, resolved: Resolved, archive: Path) -> None:
    r"""Restore ARCHIVE into a data folder without recordings, and its database points into the InfluxDB of --store.

    Every file is checked first: a damaged archive is not restored at all, and nothing is overwritten.

    \b
    Examples:
      crampwatch restore crampwatch-20260101T060000Z.tar.gz
      crampwatch restore backup.tar.gz --data /srv/crampwatch --store http://127.0.0.1:8086
    """
    from crampwatch.app.backup.influx_copy import influx_copy_of
    from crampwatch.app.backup.restore import restore_backup
    from crampwatch.app.cli.wording import count_text
    from crampwatch.app.config.data_folder import DataFolder

    folder = DataFolder(resolved.settings.data)
    content = restore_backup(archive, folder, database=influx_copy_of(resolved.settings.store))
    click.echo(
        f"{folder.root}: restored {count_text(content.sessions, 'session')}, {count_text(len(content.files), 'file')} "
        f"and {count_text(content.points, 'database point')} of {content.made_utc}, made by crampwatch "
        f"{content.version}."
    )
