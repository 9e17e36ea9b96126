"""`crampwatch doctor`: whether this machine is ready for the night."""

import json
from dataclasses import asdict

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["doctor"]

_MARKS = {"ok": "ok", "note": "note", "fault": "FAULT"}


@click.command(short_help="Check that this machine is ready.")
@json_option()
@settings_options("broker", "collector", "store", "web")
def doctor(*, resolved: Resolved, as_json: bool) -> int:
    r"""Check everything from sensor to page, and say what to do about each problem.

    Checks program, data folder, disk, broker, store, secrets, Bluetooth, port, page and clock, and the state of running
    stages and sensors. Exits with code 3 if something needed is missing.

    \b
    Examples:
      crampwatch doctor
      crampwatch doctor --json
    """
    import asyncio

    from crampwatch.app.cli.exits import ExitCode
    from crampwatch.app.cli.tables import print_table
    from crampwatch.app.doctor.checks import run_checks
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="error")
    results = asyncio.run(run_checks(resolved.settings))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in results], indent=2))
    else:
        print_table(("check", "", "result"), [(one.name, _MARKS[one.level], one.text) for one in results])
    return ExitCode.UNAVAILABLE if any(one.level == "fault" for one in results) else ExitCode.OK
