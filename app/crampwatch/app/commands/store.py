"""`crampwatch store`: this stage alone, until it is stopped."""

import click
from crampwatch.app.options import settings_options
from crampwatch.app.resolve import Resolved

__all__ = ["store"]


@click.command(short_help="Keep what is published.")
@settings_options("broker", "store", "ops")
def store(*, resolved: Resolved) -> None:
    """Keep features, temperatures, episodes and notices: in SQLite in the data folder, or in InfluxDB."""
    from crampwatch.app.stages import run_stage

    run_stage("store", resolved.settings)
