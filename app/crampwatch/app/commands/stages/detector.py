"""`crampwatch detector`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["detector"]


@click.command(short_help="Find episodes in what is published, live.")
@settings_options("broker", "ops")
def detector(*, resolved: Resolved) -> None:
    """Find episodes in the samples on the broker, and publish them as they begin, change and end."""
    from crampwatch.app.supervise.build import run_stage

    run_stage("detector", resolved.settings)
