"""`crampwatch demo`: the whole pipeline on simulated feet."""

from dataclasses import replace

import click
from crampwatch.app.cli.options import EVENTS_HELP, duration_option, json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["demo"]

_NAMES = ("--name", "CW-LEFT", "--name", "CW-RIGHT")
_PLACEMENTS = ("CW-LEFT=left:abductor hallucis", "CW-RIGHT=right:abductor hallucis")


@click.command(short_help="Show everything at work on simulated feet.")
@duration_option("Stop this many seconds after the first sample.")
@click.option(
    "--scenario",
    default="cramp",
    show_default=True,
    metavar="NAME",
    help="What happens; `crampwatch simulate --list` lists the scenarios.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Random seed; same seed, same events.",
)
@click.option(
    "--sensors",
    default=2,
    show_default=True,
    type=click.IntRange(1, 4),
    metavar="N",
    help="Number of simulated sensors.",
)
@json_option(EVENTS_HELP)
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
    r"""Run the whole pipeline on simulated feet; the live page shows a cramp within a minute.

    Needs no hardware, account or network. The feet, their sensors and the radio are simulated, and marked as such
    everywhere; everything else is as on a real night. Each demo starts afresh in the folder `demo` of the data folder.

    \b
    Examples:
      crampwatch demo
      crampwatch demo --for 60 --no-browser --json
    """
    from crampwatch.app.config.settings import CollectorSettings
    from crampwatch.app.supervise.plan import Plan
    from crampwatch.app.supervise.run import run_plan, with_subfolder

    settings = with_subfolder(resolved.settings, "demo")
    settings = replace(settings, collector=CollectorSettings(placements=_PLACEMENTS))
    arguments = ("--scenario", scenario, "--seed", str(seed), "--sensors", str(sensors), *_NAMES)
    plan = Plan("demo", settings, simulate=arguments, duration_s=duration_s)
    return run_plan(plan, as_json=as_json, clear_first=True)
