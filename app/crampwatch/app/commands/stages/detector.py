"""`crampwatch detector`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["detector"]


@click.command(short_help="Find episodes live in published samples.")
@settings_options("broker", "ops")
def detector(*, resolved: Resolved) -> None:
    """Find episodes in the samples on the broker, and publish them as they start, change and end."""
    from crampwatch.app.stages.detector import run_detector

    run_detector(resolved.settings)
