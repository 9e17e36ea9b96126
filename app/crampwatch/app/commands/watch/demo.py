"""`crampwatch demo`: everything at once, on simulated feet."""

from dataclasses import replace

import click
from crampwatch.app.cli.options import duration_option, json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["demo"]

_NAMES = ("--name", "CW-LEFT", "--name", "CW-RIGHT")
_PLACEMENTS = ("CW-LEFT=left:abductor hallucis", "CW-RIGHT=right:abductor hallucis")


@click.command(short_help="Show everything at work, on a simulated foot.")
@duration_option("End so long after the first samples.")
@click.option("--scenario", default="cramp", show_default=True, metavar="NAME", help="What the foot does.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Decides the foot and what it does.")
@click.option("--sensors", default=2, show_default=True, type=click.IntRange(1, 4), help="How many sensors are worn.")
@json_option("Print JSON Lines: ready (with the page's address), notices, summary.")
@settings_options("broker", "store", "web", "home", "ops")
def demo(
    *,
    resolved: Resolved,
    duration_s: float | None,
    scenario: str,
    seed: int,
    sensors: int,
    as_json: bool,
) -> int:
    r"""Start everything at once with a simulated foot, and show a cramp on the live page within a minute.

    No hardware, account or network is needed. The sensors and their radio are simulated and marked so everywhere; the
    rest is what a real night uses. Each demonstration begins afresh in the folder `demo` of the data folder.

    \b
    Examples:
      crampwatch demo
      crampwatch demo --for 60 --no-browser --json
    """
    from crampwatch.app.config.settings import CollectorSettings
    from crampwatch.app.supervise.plan import Plan
    from crampwatch.app.supervise.start import in_folder, start

    settings = in_folder(resolved.settings, "demo")
    settings = replace(settings, collector=CollectorSettings(placements=_PLACEMENTS))
    arguments = ("--scenario", scenario, "--seed", str(seed), "--sensors", str(sensors), *_NAMES)
    plan = Plan("demo", settings, simulate=arguments, duration_s=duration_s)
    return start(plan, as_json=as_json, afresh=True)
