"""The one entry point: finds the command, runs it, and turns whatever happens into an exit code and a paragraph."""

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
from crampwatch.protocol.errors import CrampwatchError

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Final = {
    "Watch": ("demo", "wear", "scan", "calibrate"),
    "Recordings": ("detect", "evaluate", "replay", "simulate", "sessions", "export", "finalise", "backfill-store"),
    "This machine": ("doctor", "config", "backup", "restore", "init-stack"),
    "Single stages, for systemd or compose": ("broker", "collector", "detector", "store", "web", "home"),
}
"""Commands by section, in the order of ``--help``; each is a module of its name, in the folder of its section."""

_FOLDERS: Final = dict(zip(COMMANDS, ("watch", "recordings", "machine", "stages"), strict=True))

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Our matrices are small: more threads would spend their time waiting for each other. Read when numpy is imported."""

_EXAMPLES: Final = (
    ("crampwatch demo", "a simulated foot, a virtual radio and the live page; a cramp within a minute"),
    ("crampwatch wear", "a real night"),
    ("crampwatch detect night.edf", "what a recording holds"),
)


_VERBATIM: Final = r"\b"
"""Before lines that stand as they are: click looks for the character, which a raw docstring cannot hold."""


class _Commands(click.Group):
    """Loads a command's module when it is asked for, so that starting is fast."""

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


def _show_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from crampwatch.app.cli.version import version_text

        click.echo(f"crampwatch {version_text()}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it.")
def cli() -> None:
    """Watch over a person's feet at night: find likely foot cramps in surface EMG from Bluetooth sensors.

    Not a medical device. `crampwatch COMMAND --help` tells more of each command.
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
        return _told(error, arguments)


def _run(arguments: list[str]) -> int:
    # Not cli.main(): it would end the process itself where the reader of our output goes away.
    with cli.make_context("crampwatch", arguments) as context:
        result: Any = cli.invoke(context)
    sys.stdout.flush()
    return result if isinstance(result, int) else ExitCode.OK


def _told(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    """Tell an error to a person; return what to end with."""
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
    return _unexpected(error, arguments)


def _paragraph(text: str) -> str:
    """Return a message without line breaks or characters that would move the cursor: parts may come from a file."""
    return " ".join("".join(part if part.isprintable() else " " for part in text).split())


def _unexpected(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    if "--debug" in arguments:
        traceback.print_exception(error)
        return ExitCode.FAILURE
    place = _write_crash(error, arguments)
    click.echo(
        f"crampwatch: Something went wrong inside crampwatch: {type(error).__name__}: {_paragraph(str(error))[:300]} "
        f"The details are in {place}; please report them, or try again with --debug to see them here.",
        err=True,
    )
    return ExitCode.FAILURE


def _write_crash(error: BaseException, arguments: Sequence[str]) -> Path:
    """Keep the traceback where a report can take it from; recordings and settings are not in it."""
    place = Path(gettempdir()) / f"crampwatch-crash-{os.getpid()}.log"
    command = arguments[0] if arguments else ""
    told = "".join(traceback.format_exception(error))
    place.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {command}\n{told}", encoding="utf-8")
    return place


def _silence_stdout() -> None:
    """Keep the interpreter from complaining at exit that what it still held could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
