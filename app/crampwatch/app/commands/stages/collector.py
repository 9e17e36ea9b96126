"""`crampwatch collector`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["collector"]


@click.command(short_help="Record sensors and publish what they send.")
@click.option("--speed", default=1.0, type=float, hidden=True, help="Of simulated sensors.")
@click.option("--start-utc-ns", type=int, hidden=True, help="UTC at the begin, of a replay.")
@click.option("--ends-with-streams", is_flag=True, hidden=True, help="End with a replay.")
@settings_options("broker", "collector", "ops")
def collector(*, resolved: Resolved, speed: float, start_utc_ns: int | None, ends_with_streams: bool) -> None:
    """Connect to sensors, record all they send in a session file, and publish it.

    Not needed beside `crampwatch wear`, which runs every stage.
    """
    from crampwatch.app.supervise.build import run_collector

    run_collector(resolved.settings, speed=speed, start_utc_ns=start_utc_ns, ends_with_streams=ends_with_streams)
