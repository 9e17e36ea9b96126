"""`crampwatch backfill-store`: recorded sessions into a store that does not hold them."""

import json

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["backfill_store"]


@click.command("backfill-store", short_help="Load recorded sessions into a new store.")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@settings_options("store")
@json_option()
def backfill_store(*, resolved: Resolved, sessions: tuple[str, ...], as_json: bool) -> None:
    r"""Analyse recorded sessions and write the results into the store, for example a new database.

    SESSION is a file, a prefix of a session's name, or `last`; without any, all real sessions of the data folder that
    have ended are loaded. What the store already holds is not changed. The wearer's notes are not part of a session:
    they are copied from the data folder's own SQLite store, if there is one.

    \b
    Examples:
      CRAMPWATCH_STORE_TOKEN=... crampwatch backfill-store --store http://127.0.0.1:8086
      crampwatch backfill-store last
    """
    from crampwatch.app.analysis.backfill_store import backfill_journal, backfill_session
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.cli.wording import count_text
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.runtime.logs import log_to_terminal
    from crampwatch.app.sessions.find import ended_sessions, find_session

    log_to_terminal(resolved.settings.log, least="warning")
    folder = DataFolder(resolved.settings.data)
    named = [find_session(folder, name) for name in sessions]
    paths = named or [entry.path for entry in ended_sessions(folder)]
    for path in paths:
        with progress_bar(path.name) as progress:
            done = backfill_session(path, resolved.settings, progress=progress)
        if as_json:
            fields = {
                "session": done.session,
                "messages": done.messages,
                "episodes": done.episodes,
                "raw_s": done.raw_s,
            }
            click.echo(json.dumps(fields))
        else:
            episodes = count_text(done.episodes, "episode")
            click.echo(f"Session {done.session}: {episodes}, {done.raw_s} s of raw signal around them.")
    copied = backfill_journal(resolved.settings)
    if not as_json:
        click.echo(
            f"{count_text(len(paths), 'session')} loaded, {count_text(copied, 'note or notice', 'notes and notices')} "
            "copied.",
            err=True,
        )
