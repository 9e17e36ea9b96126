"""`crampwatch wear`: a real night."""

import click
from crampwatch.app.cli.options import EVENTS_HELP, duration_option, json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["wear"]


@click.command(short_help="Watch over a real night: record, detect, show.")
@duration_option("Stop after this many seconds.")
@json_option(EVENTS_HELP)
@settings_options("broker", "collector", "store", "web", "home", "ops")
def wear(*, resolved: Resolved, duration_s: float | None, as_json: bool) -> int:
    r"""Record the sensors you wear, find likely cramps as they happen, and show everything on the live page.

    Runs until Ctrl-C. A stage that dies is restarted, and nothing that was received is lost. When the recording ends,
    it is analysed again as a whole. Not a medical device.

    \b
    Examples:
      crampwatch wear
      crampwatch wear --sensor CW-1A2B
      crampwatch wear --adapter bumble:usb:0
    """
    from crampwatch.app.config.placements import parse_placements
    from crampwatch.app.supervise.plan import Plan
    from crampwatch.app.supervise.run import run_plan

    parse_placements(resolved.settings.collector.placements)  # refuses a wrong one before anything has started
    return run_plan(Plan("wear", resolved.settings, duration_s=duration_s), as_json=as_json, clear_first=False)
