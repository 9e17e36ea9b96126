"""`crampwatch doctor`: is this machine ready for the night."""

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
    r"""Check every link of the chain, from sensor to page, and say what to do where one is not well.

    Program, data folder, disk, broker, store, secrets, Bluetooth, port, page and clock; and, where services run, what
    they and the sensors say of themselves. Ends with code 3 where something needed is missing.

    \b
    Examples:
      crampwatch doctor
      crampwatch doctor --json
    """
    import asyncio

    from crampwatch.app.cli.exits import ExitCode
    from crampwatch.app.doctor.checks import examine
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="error")
    findings = asyncio.run(examine(resolved.settings))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        from crampwatch.app.cli.tables import print_table

        print_table(("check", "", "what was met"), [(one.name, _MARKS[one.level], one.text) for one in findings])
    return ExitCode.UNAVAILABLE if any(one.level == "fault" for one in findings) else ExitCode.OK
