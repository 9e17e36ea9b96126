"""`crampwatch backup`: all data in one archive."""

from datetime import UTC, datetime
from pathlib import Path

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["backup"]


@click.command(short_help="Back up all data to one file.")
@click.argument("archive", type=click.Path(path_type=Path), required=False)
@settings_options("store")
def backup(*, resolved: Resolved, archive: Path | None) -> None:
    r"""Copy recordings, results, notes and keys into ARCHIVE, also while a night is being recorded.

    With an InfluxDB as the store (--store), its points are included. ARCHIVE is a file or a folder; without it, the
    archive is written to the current folder. It contains secrets and is readable only by you.

    \b
    Examples:
      crampwatch backup
      crampwatch backup /mnt/disk/crampwatch.tar.gz
    """
    from crampwatch.app.backup.create import create_backup
    from crampwatch.app.backup.influx_copy import influx_copy_of
    from crampwatch.app.cli.wording import count_text
    from crampwatch.app.config.data_folder import DataFolder

    name = f"crampwatch-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    target = Path(name) if archive is None else archive / name if archive.is_dir() else archive
    database = influx_copy_of(resolved.settings.store)
    content = create_backup(DataFolder(resolved.settings.data), target, database=database)
    click.echo(
        f"{target}: {count_text(content.sessions, 'session')}, {count_text(len(content.files), 'file')} and "
        f"{count_text(content.points, 'database point')}, {target.stat().st_size / 1e6:.1f} MB."
    )
