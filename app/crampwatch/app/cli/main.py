"""The entry point: finds the command, runs it, and turns every outcome into an exit code and a message.

Expected errors (`CrampwatchError`, and click's own for wrong usage) end as one paragraph on standard error. Anything
else is a bug: its traceback is written to a file, whose path is printed, or is printed itself with ``--debug``.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import click
from crampwatch.app.cli.exits import ExitCode, exit_code_of
from crampwatch.app.cli.version import version_text
from crampwatch.protocol.errors import CrampwatchError

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Final = {
    "Watch": ("demo", "wear", "scan", "calibrate"),
    "Recordings": ("detect", "evaluate", "replay", "simulate", "sessions", "export", "finalise", "backfill-store"),
    "This machine": ("doctor", "config", "backup", "restore", "init-stack"),
    "Single stages, for systemd or compose": ("broker", "collector", "detector", "store", "web", "home"),
}
"""Commands by section, in the order of ``--help``; the module of a command is in the folder of its section."""

_FOLDERS: Final = dict(zip(COMMANDS, ("watch", "recordings", "machine", "stages"), strict=True))

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Limit numpy's libraries to one thread: our matrices are small, and threads would spend their time waiting for each
other. The variables are read when numpy is imported."""

_EXAMPLES: Final = (
    ("crampwatch demo", "a simulated foot and the live page; a cramp within a minute"),
    ("crampwatch wear", "record a real night"),
    ("crampwatch detect night.edf", "list the episodes of a recording"),
)


_VERBATIM: Final = r"\b"
"""In a docstring, before lines that click must not reflow. Click expects the character itself, not these two."""


class _Commands(click.Group):
    """Imports the module of a command only when it is needed, so that each command starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return [name for names in COMMANDS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        folder = next((_FOLDERS[section] for section, names in COMMANDS.items() if cmd_name in names), None)
        if folder is None:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"crampwatch.app.commands.{folder}.{name}"), name)
        assert isinstance(command, click.Command)
        command.help = (command.help or "").replace(_VERBATIM, "\b")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in COMMANDS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(section):
                formatter.write_dl([(name, found.get_short_help_str(90)) for name, found in commands if found])
        with formatter.section("Examples"):
            formatter.write_dl(list(_EXAMPLES))


def _show_version(context: click.Context, _parameter: click.Parameter, is_given: bool) -> None:
    if is_given:
        click.echo(f"crampwatch {version_text()}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Watch over a person's feet at night: find likely foot cramps in surface EMG from Bluetooth sensors.

    Not a medical device. `crampwatch COMMAND --help` explains a command.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for variable in _ONE_THREAD:
        os.environ.setdefault(variable, "1")
    try:
        return _run(list(arguments))
    except click.exceptions.Exit as request:
        return request.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return ExitCode.BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort of the program
        return _report(error, arguments)


def _run(arguments: list[str]) -> int:
    # Not cli.main(): that would end the process itself on a closed output pipe.
    with cli.make_context("crampwatch", arguments) as context:
        result: Any = cli.invoke(context)
    sys.stdout.flush()
    return result if isinstance(result, int) else ExitCode.OK


def _report(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    """Print an error and return the exit code."""
    match error:
        case click.ClickException():
            error.show()
            return ExitCode.USAGE
        case click.Abort() | KeyboardInterrupt():
            click.echo("Interrupted.", err=True)
            return ExitCode.INTERRUPTED
        case CrampwatchError():
            click.echo(f"crampwatch: {_paragraph(str(error))}", err=True)
            return exit_code_of(error)
    return _report_bug(error, arguments)


def _paragraph(text: str) -> str:
    """Return a message on one line, without characters that control the terminal: parts of it may come from a file."""
    return " ".join("".join(part if part.isprintable() else " " for part in text).split())


def _report_bug(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    if "--debug" in arguments:
        traceback.print_exception(error)
        return ExitCode.FAILURE
    path = _write_crash_report(error, arguments)
    click.echo(
        f"crampwatch: Unexpected error in crampwatch: {type(error).__name__}: {_paragraph(str(error))[:300]} "
        f"Details are in {path}; please report them. --debug shows them on the terminal.",
        err=True,
    )
    return ExitCode.FAILURE


def _write_crash_report(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the traceback to a file for a bug report; no recording and no setting is in it."""
    path = Path(gettempdir()) / f"crampwatch-crash-{os.getpid()}.log"
    command = arguments[0] if arguments else ""
    text = "".join(traceback.format_exception(error))
    path.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {command}\n{text}", encoding="utf-8")
    return path


def _silence_stdout() -> None:
    """Redirect standard output to nowhere: the interpreter flushes it at exit, and would report the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
