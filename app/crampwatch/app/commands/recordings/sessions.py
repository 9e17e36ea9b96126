"""`crampwatch sessions`: what was recorded."""

import json
from typing import Any

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["sessions"]


@click.command(short_help="List recorded sessions.")
@json_option()
@settings_options()
def sessions(*, resolved: Resolved, as_json: bool) -> None:
    r"""List what was recorded, oldest first; demonstrations and replays among it, marked.

    Other commands find a session by the begin of its id, or of its file's name.

    \b
    Examples:
      crampwatch sessions
      crampwatch sessions --json
    """
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.sessions.find import known_sessions
    from crampwatch.app.sessions.rows import row_of

    folder = DataFolder(resolved.settings.data)
    rows = [row_of(entry) for entry in known_sessions(folder)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"No session was recorded yet in {folder.root}.")
        return
    from crampwatch.app.cli.tables import print_table

    print_table(
        ("session", "began", "length", "origin", "sensors", "size", "state"),
        [_cells(row) for row in rows],
        right=(2, 5),
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["problem"]:
        return (row["id"], "", "", "", "", "", row["problem"])
    return (
        row["id"],
        row["started_local"],
        row["length"],
        row["origin"],
        ", ".join(row["sensors"]),
        f"{row['size_octets'] / 1e6:.1f} MB",
        row["state"],
    )
