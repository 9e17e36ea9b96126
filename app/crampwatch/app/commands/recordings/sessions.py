"""`crampwatch sessions`: lists what was recorded."""

import json

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["sessions"]


@click.command(short_help="List recorded sessions.")
@json_option()
@settings_options()
def sessions(*, resolved: Resolved, as_json: bool) -> None:
    r"""List recorded sessions, oldest first; demos and replays are included and marked.

    Other commands accept a prefix of a session's id, or of its file name.

    \b
    Examples:
      crampwatch sessions
      crampwatch sessions --json
    """
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.sessions.find import all_sessions
    from crampwatch.app.sessions.listing import HEADS, session_cells, session_row

    folder = DataFolder(resolved.settings.data)
    rows = [session_row(entry) for entry in all_sessions(folder)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"No recordings in {folder.root} yet.")
        return
    from crampwatch.app.cli.tables import print_table

    print_table(HEADS, [session_cells(row) for row in rows], right=(2, 5))
