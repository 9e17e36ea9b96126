"""`crampwatch wear`: a real night."""

import click
from crampwatch.app.cli.options import duration_option, json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["wear"]


@click.command(short_help="Watch over a real night: record, detect, show.")
@duration_option("End then.")
@json_option("Print JSON Lines: ready (with the page's address), notices, summary.")
@settings_options("broker", "collector", "store", "web", "home", "ops")
def wear(*, resolved: Resolved, duration_s: float | None, as_json: bool) -> int:
    r"""Record the sensors you wear, find likely cramps as they happen, and show all on the live page.

    Runs until Ctrl-C. A stage that dies is started again; nothing that was received is lost. When the recording ends it
    is judged anew as a whole. Not a medical device.

    \b
    Examples:
      crampwatch wear
      crampwatch wear --sensor CW-1A2B
      crampwatch wear --adapter bumble:usb:0
    """
    from crampwatch.app.config.placements import placements_of
    from crampwatch.app.supervise.plan import Plan
    from crampwatch.app.supervise.start import start

    placements_of(resolved.settings.collector.placements)  # here, so that it is told before anything starts
    return start(Plan("wear", resolved.settings, duration_s=duration_s), as_json=as_json, afresh=False)
