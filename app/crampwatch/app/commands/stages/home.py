"""`crampwatch home`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["home"]


@click.command(short_help="Tell Home Assistant.")
@settings_options("broker", "ops")
def home(*, resolved: Resolved) -> None:
    """Announce each sensor to Home Assistant as a device, by MQTT discovery, and keep its picture up to date.

    Home Assistant has to use the same broker. It is told of likely cramps, state, temperature, battery and problems,
    and nothing of the signal.
    """
    from crampwatch.app.supervise.build import run_stage

    run_stage("home", resolved.settings)
