"""Flags that commands share: made from the table of settings, resolved before the command runs."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec

import click
from crampwatch.app.config.resolve import resolve
from crampwatch.app.config.settings import SETTINGS, Setting

__all__ = ["duration_option", "json_option", "reader_options", "settings_options"]

P = ParamSpec("P")
_ALWAYS: Final = ("", "log")
Command = Callable[..., Any]


def settings_options(*groups: str) -> Callable[[Command], Command]:
    """Give a command the flags of groups of settings, and the resolved settings as its argument `resolved`.

    ``--data``, ``--config``, ``--debug`` and the logging flags are always among them; secrets have no flags, since a
    command line can be read by every user of the machine.
    """
    rows = [setting for setting in SETTINGS if setting.group in (*_ALWAYS, *groups) and not setting.secret]

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*, config: Path | None, debug: bool, **arguments: Any) -> Any:  # noqa: ARG001 - main reads it
            given = {setting.key: arguments.pop(_parameter(setting)) for setting in rows}
            flags = {key: value for key, value in given.items() if value not in (None, ())}
            return function(resolved=resolve(flags=flags, config=config), **arguments)

        decorated: Command = click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")(
            command
        )
        decorated = click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Settings file (TOML) instead of the usual one.",
        )(decorated)
        for setting in reversed(rows):
            decorated = _option(setting)(decorated)
        return decorated

    return decorate


def reader_options(function: Command) -> Command:
    """Give a command that reads a recording the flags that say how to read it."""
    for option in reversed(_READER_OPTIONS):
        function = option(function)
    return function


def duration_option(text: str) -> Callable[[Command], Command]:
    """Give a command the flag ``--for``, as its argument `duration_s`: seconds, None where not given."""
    seconds = click.FloatRange(min=0, min_open=True)
    return click.option("--for", "duration_s", type=seconds, metavar="SECONDS", help=text)


def json_option(text: str = "Print JSON for programs instead of a table for people.") -> Callable[[Command], Command]:
    """Give a command the flag ``--json``, as its argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def _columns(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of column numbers such as 1,2.") from None


def _channels(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str | int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


_READER_OPTIONS: Final = (
    click.option(
        "--channels",
        callback=_channels,
        metavar="LIST",
        help="EMG channels: labels, or numbers from 1, separated by commas.",
    ),
    click.option("--rate-hz", type=float, metavar="HZ", help="Samples a second, where the file does not tell."),
    click.option(
        "--scale",
        "scale_uv",
        type=float,
        metavar="UV",
        help="Microvolts of one unit of the file, where it does not tell.",
    ),
    click.option(
        "--column", callback=_columns, metavar="LIST", help="Columns of a text table, numbered from 1, such as 1,2."
    ),
)


def _parameter(setting: Setting) -> str:
    return setting.key.replace(".", "_")


def _option(setting: Setting) -> Callable[[Command], Command]:
    flag, name = setting.flag, _parameter(setting)
    if setting.kind is bool:
        return click.option(f"{flag}/--no-{flag.removeprefix('--')}", name, default=None, help=setting.text)
    kind: click.ParamType[Any] = {
        int: click.IntRange(0, 65_535),
        Path: click.Path(path_type=Path, file_okay=False),
    }.get(setting.kind, click.STRING)
    return click.option(
        flag,
        name,
        type=click.Choice(setting.choices) if setting.choices else kind,
        multiple=setting.kind is tuple,
        metavar=setting.metavar or None,
        help=setting.text,
    )
