"""`crampwatch backup`: everything that is kept, in one archive."""

from datetime import UTC, datetime
from pathlib import Path

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["backup"]


@click.command(short_help="Copy everything that is kept into one archive.")
@click.argument("archive", type=click.Path(path_type=Path), required=False)
@settings_options("store")
def backup(*, resolved: Resolved, archive: Path | None) -> None:
    r"""Copy recordings, verdicts, notes and keys into ARCHIVE, also while a night is being recorded.

    Where the store is an InfluxDB (--store), its points are copied as well. ARCHIVE may be a folder; where none is
    given, the archive appears here. It holds secrets and is readable by you alone.

    \b
    Examples:
      crampwatch backup
      crampwatch backup /mnt/disk/crampwatch.tar.gz
    """
    from crampwatch.app.backup.create import back_up
    from crampwatch.app.backup.influx_copy import copy_of
    from crampwatch.app.config.data_folder import DataFolder

    name = f"crampwatch-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    target = Path(name) if archive is None else archive / name if archive.is_dir() else archive
    content = back_up(DataFolder(resolved.settings.data), target, database=copy_of(resolved.settings.store))
    click.echo(
        f"{target}: {content.sessions} session(s), {len(content.files)} files and {content.points} points, "
        f"{target.stat().st_size / 1e6:.1f} MB."
    )
