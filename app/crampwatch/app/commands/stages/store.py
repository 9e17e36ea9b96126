"""`crampwatch store`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["store"]


@click.command(short_help="Store published data.")
@settings_options("broker", "store", "ops")
def store(*, resolved: Resolved) -> None:
    """Store features, temperatures, episodes and notices: in SQLite in the data folder, or in InfluxDB (--store)."""
    from crampwatch.app.stages.store import run_store

    run_store(resolved.settings)
