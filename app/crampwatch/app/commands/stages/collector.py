"""`crampwatch collector`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["collector"]


@click.command(short_help="Record sensors and publish what they send.")
# Hidden: `demo` and `replay` pass these to the collector that they start.
@click.option("--speed", default=1.0, type=float, hidden=True, help="Speed of simulated sensors.")
@click.option("--start-utc-ns", type=int, hidden=True, help="UTC of the first sample of a replay.")
@click.option("--ends-with-streams", is_flag=True, hidden=True, help="Stop at the end of a replay.")
@settings_options("broker", "collector", "ops")
def collector(*, resolved: Resolved, speed: float, start_utc_ns: int | None, ends_with_streams: bool) -> None:
    """Connect to sensors, record everything they send in a session file, and publish it.

    Not needed beside `crampwatch wear`, which runs every stage.
    """
    from crampwatch.app.stages.collector import run_collector

    run_collector(resolved.settings, speed=speed, start_utc_ns=start_utc_ns, ends_with_streams=ends_with_streams)
