"""Flags that several commands share: those of the settings (resolved before the command runs), and a few others."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec

import click
from crampwatch.app.config.resolve import resolve
from crampwatch.app.config.settings import LARGEST_NUMBER, LEAST_NUMBER, SETTINGS, Setting

__all__ = ["EVENTS_HELP", "duration_option", "json_option", "reader_options", "settings_options"]

P = ParamSpec("P")
EVENTS_HELP: Final = "Print JSON Lines: ready (with the page's address), notices, summary."
"""Help of ``--json`` for `demo`, `wear` and `replay`."""
_ALWAYS: Final = ("", "log")
Command = Callable[..., Any]


def settings_options(*groups: str) -> Callable[[Command], Command]:
    """Add the flags of some groups of settings to a command, which gets the resolved settings as `resolved`.

    ``--data``, ``--config``, ``--debug`` and the logging flags are always included. Secrets have no flags, since every
    user of a machine can read its command lines.
    """
    rows = [setting for setting in SETTINGS if setting.group in (*_ALWAYS, *groups) and not setting.secret]

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*, config: Path | None, debug: bool, **arguments: Any) -> Any:  # noqa: ARG001 - main reads it
            given = {setting.key: arguments.pop(_parameter_name(setting)) for setting in rows}
            flags = {key: value for key, value in given.items() if value not in (None, ())}
            return function(resolved=resolve(flags=flags, config=config), **arguments)

        decorated: Command = click.option("--debug", is_flag=True, help="Show the traceback of unexpected errors.")(
            command
        )
        decorated = click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Settings file (TOML) to use instead of the default one.",
        )(decorated)
        for setting in reversed(rows):
            decorated = _setting_option(setting)(decorated)
        return decorated

    return decorate


def reader_options(function: Command) -> Command:
    """Add the flags of :class:`ReaderOptions` to a command that reads a recording."""
    for option in reversed(_READER_OPTIONS):
        function = option(function)
    return function


def duration_option(text: str) -> Callable[[Command], Command]:
    """Add the flag ``--for`` to a command, which gets it as `duration_s`: seconds, or None."""
    seconds = click.FloatRange(min=0, min_open=True)
    return click.option("--for", "duration_s", type=seconds, metavar="SECONDS", help=text)


def json_option(text: str = "Print JSON instead of a table.") -> Callable[[Command], Command]:
    """Add the flag ``--json`` to a command, which gets it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


class _WholeNumber(click.ParamType[int]):
    """A whole number within the limits that all settings share."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip()
        if not text.isdecimal() or not LEAST_NUMBER <= int(text) <= LARGEST_NUMBER:
            self.fail(f"{text!r} must be a whole number from {LEAST_NUMBER} to {LARGEST_NUMBER}.", param, ctx)
        return int(text)


def _parse_columns(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of column numbers such as 1,2.") from None


def _parse_channels(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str | int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


_READER_OPTIONS: Final = (
    click.option(
        "--channels",
        callback=_parse_channels,
        metavar="LIST",
        help="EMG channels: labels or numbers (from 1), separated by commas.",
    ),
    click.option("--rate-hz", type=float, metavar="HZ", help="Sampling rate, if the file doesn't state it."),
    click.option(
        "--scale",
        "scale_uv",
        type=float,
        metavar="UV",
        help="Microvolts per unit, if the file doesn't state it.",
    ),
    click.option(
        "--column",
        callback=_parse_columns,
        metavar="LIST",
        help="Columns of a text table, numbered from 1 (for example 1,2).",
    ),
)


def _parameter_name(setting: Setting) -> str:
    return setting.key.replace(".", "_")


def _setting_option(setting: Setting) -> Callable[[Command], Command]:
    flag, name = setting.flag, _parameter_name(setting)
    if setting.kind is bool:
        return click.option(f"{flag}/--no-{flag.removeprefix('--')}", name, default=None, help=setting.text)
    kind: click.ParamType[Any] = {
        int: _WholeNumber(),
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
