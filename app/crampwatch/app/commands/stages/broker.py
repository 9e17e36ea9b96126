"""`crampwatch broker`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["broker"]


@click.command(short_help="Run the embedded MQTT broker.")
@settings_options("broker", "server", "ops")
def broker(*, resolved: Resolved) -> None:
    """Run the embedded MQTT broker of the data folder, for this machine only unless --server-host says otherwise.

    Other stages with the same --data find it by themselves.
    """
    from crampwatch.app.stages.broker import run_broker

    run_broker(resolved.settings)
