"""`crampwatch home`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["home"]


@click.command(short_help="Publish to Home Assistant.")
@settings_options("broker", "ops")
def home(*, resolved: Resolved) -> None:
    """Announce each sensor to Home Assistant as a device, by MQTT discovery, and keep its state up to date.

    Home Assistant must use the same broker. It gets likely cramps, state, temperature, battery and problems, but no
    signal data.
    """
    from crampwatch.app.stages.home import run_home

    run_home(resolved.settings)
