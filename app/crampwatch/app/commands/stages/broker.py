"""`crampwatch broker`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["broker"]


@click.command(short_help="Run the embedded MQTT broker.")
@settings_options("broker", "server", "ops")
def broker(*, resolved: Resolved) -> None:
    """Run the embedded MQTT broker of the data folder, on this machine only.

    Other stages with the same --data find it by themselves.
    """
    from crampwatch.app.supervise.build import run_stage

    run_stage("broker", resolved.settings)
