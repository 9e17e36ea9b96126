"""`crampwatch scan`: which sensors are in range."""

import json

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["scan"]


@click.command(short_help="List the sensors in range.")
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    metavar="SECONDS",
    help="How long to scan.",
)
@json_option()
@settings_options("collector")
def scan(*, resolved: Resolved, seconds: float, as_json: bool) -> None:
    r"""Scan for sensors and list them, strongest signal first.

    \b
    Examples:
      crampwatch scan
      crampwatch scan --adapter hci1 --json
    """
    import asyncio

    from crampwatch.app.cli.tables import print_table
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.runtime.logs import log_to_terminal
    from crampwatch.collector.ble.adapter import scan as scan_radio

    settings = resolved.settings
    log_to_terminal(settings.log, least="warning")
    found = asyncio.run(
        scan_radio(settings.collector.adapter or None, seconds=seconds, bonds=DataFolder(settings.data).bonds)
    )
    if as_json:
        rows = [{"name": one.name, "address": one.address, "rssi_dbm": one.rssi_dbm} for one in found]
        click.echo(json.dumps(rows, indent=2))
    elif found:
        print_table(("name", "address", "signal"), [(one.name, one.address, f"{one.rssi_dbm} dBm") for one in found])
    else:
        click.echo("No sensors found. Check that the sensor is on, nearby, and not connected to another machine.")
