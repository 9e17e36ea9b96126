"""`crampwatch collector`: this stage alone, until it is stopped."""

import click
from crampwatch.app.options import settings_options
from crampwatch.app.resolve import Resolved

__all__ = ["collector"]


@click.command(short_help="Record sensors and publish what they send.")
@settings_options("broker", "collector")
def collector(*, resolved: Resolved) -> None:
    """Connect to sensors, record all they send in a session file, and publish it.

    Not needed beside `crampwatch wear`, which runs every stage.
    """
    from crampwatch.app.stages import run_stage

    run_stage("collector", resolved.settings)
