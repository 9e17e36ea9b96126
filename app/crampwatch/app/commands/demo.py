"""`crampwatch demo`: everything at once, on simulated feet."""

import click
from crampwatch.app.options import json_option, settings_options
from crampwatch.app.resolve import Resolved

__all__ = ["demo"]


@click.command(short_help="Show everything at work, on a simulated foot.")
@click.option("--for", "duration_s", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="End then.")
@click.option("--scenario", default="cramp", show_default=True, metavar="NAME", help="What the foot does.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Decides the foot and what it does.")
@click.option("--sensors", default=2, show_default=True, type=click.IntRange(1, 4), help="How many sensors are worn.")
@json_option("Print JSON Lines: ready (with the page's address), notices, summary.")
@settings_options("broker", "store", "web")
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
    from crampwatch.app.plan import Plan
    from crampwatch.app.simulating import Cast
    from crampwatch.app.starting import in_folder, start

    Cast(scenario, seed=seed, sensors=sensors).members()  # here, so that a wrong name is told before anything starts
    arguments = ("--scenario", scenario, "--seed", str(seed), "--sensors", str(sensors), "--name", "CW-DEMO")
    plan = Plan("demo", in_folder(resolved.settings, "demo"), simulate=arguments, duration_s=duration_s)
    return start(plan, as_json=as_json, afresh=True)
