"""`crampwatch store`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["store"]


@click.command(short_help="Keep what is published.")
@settings_options("broker", "store", "ops")
def store(*, resolved: Resolved) -> None:
    """Keep features, temperatures, episodes and notices: in SQLite in the data folder, or in InfluxDB."""
    from crampwatch.app.supervise.build import run_stage

    run_stage("store", resolved.settings)
