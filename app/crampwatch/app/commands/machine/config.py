"""`crampwatch config`: every setting, its value and its source."""

import json
from typing import Any

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved, display_value
from crampwatch.app.config.settings import SETTINGS, Setting, default_config_path

__all__ = ["config"]


@click.command(short_help="Show all settings, their values and sources.")
@settings_options("broker", "server", "collector", "store", "web", "home", "ops")
@json_option()
def config(*, resolved: Resolved, as_json: bool) -> None:
    r"""Show every setting, its value and where the value comes from.

    Flags override environment variables, which override the settings file, which overrides the defaults. The setting
    `group.name` is the variable CRAMPWATCH_GROUP_NAME and the key `name` in the table [group] of the file. Secrets are
    masked.

    \b
    Examples:
      crampwatch config
      CRAMPWATCH_WEB_PORT=8080 crampwatch config --json
    """
    rows = [_row(resolved, setting) for setting in SETTINGS]
    if as_json:
        click.echo(json.dumps({row.pop("key"): row for row in rows}, indent=2))
        return
    from crampwatch.app.cli.tables import print_table

    print_table(
        ("setting", "value", "source"),
        [(row["key"], _value_text(row["value"]), row["source"]) for row in rows],
        caption=f"Settings file: {default_config_path()}",
    )


def _row(resolved: Resolved, setting: Setting) -> dict[str, Any]:
    return {
        "key": setting.key,
        "value": display_value(setting, resolved.value(setting.key)),
        "source": resolved.sources[setting.key],
        "env": setting.env,
        "text": setting.text,
    }


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)
