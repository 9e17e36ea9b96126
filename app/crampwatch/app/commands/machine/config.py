"""`crampwatch config`: every setting, its value and where it came from."""

import json
from typing import Any

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved, shown
from crampwatch.app.config.settings import SETTINGS, default_config_path

__all__ = ["config"]


@click.command(short_help="Show every setting, its value and where it came from.")
@settings_options("broker", "server", "collector", "store", "web", "home", "ops")
@json_option()
def config(*, resolved: Resolved, as_json: bool) -> None:
    r"""Show every setting, its value and where it came from.

    Flags win over environment variables, these over the settings file, and this over the defaults. A setting
    `group.name` is the variable CRAMPWATCH_GROUP_NAME and the key `name` in the table [group] of the file. Secrets are
    masked.

    \b
    Examples:
      crampwatch config
      CRAMPWATCH_WEB_PORT=8080 crampwatch config --json
    """
    rows = [_row(resolved, setting.key) for setting in SETTINGS]
    if as_json:
        click.echo(json.dumps({row.pop("key"): row for row in rows}, indent=2))
        return
    from crampwatch.app.cli.tables import print_table

    print_table(
        ("setting", "value", "from"),
        [(row["key"], _told(row["value"]), row["source"]) for row in rows],
        caption=f"Settings file: {default_config_path()}",
    )


def _row(resolved: Resolved, key: str) -> dict[str, Any]:
    setting = next(one for one in SETTINGS if one.key == key)
    return {
        "key": key,
        "value": shown(setting, resolved.value(key)),
        "source": resolved.sources[key],
        "env": setting.env,
        "text": setting.text,
    }


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)
