"""`crampwatch backfill-store`: recorded sessions into a store that has not seen them."""

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
    r"""Judge recorded sessions and write all that follows from them into the store: for a new database.

    SESSION is a file, the begin of its name, or `last`; without any, all sessions of the data folder that have ended,
    without demonstrations and replays. What the store holds already stays as it is. What the wearer noted is not in
    the sessions: it is copied from the folder's own SQLite store, where there is one.

    \b
    Examples:
      CRAMPWATCH_STORE_TOKEN=... crampwatch backfill-store --store http://127.0.0.1:8086
      crampwatch backfill-store last
    """
    from crampwatch.app.analysis.import_store import backfill, backfill_journal
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.config.data_folder import DataFolder
    from crampwatch.app.runtime.logs import log_to_terminal
    from crampwatch.app.sessions.find import ended_sessions, find_session

    log_to_terminal(resolved.settings.log, least="warning")
    folder = DataFolder(resolved.settings.data)
    paths = [find_session(folder, name) for name in sessions] if sessions else ended_sessions(folder)
    for path in paths:
        with progress_bar(path.name) as progress:
            done = backfill(path, resolved.settings, progress=progress)
        told = {"session": done.session, "messages": done.messages, "episodes": done.episodes, "raw_s": done.raw_s}
        text = f"Session {done.session}: {done.episodes} episode(s), {done.raw_s} s of raw signal around them."
        click.echo(json.dumps(told) if as_json else text)
    noted = backfill_journal(resolved.settings)
    if not as_json:
        click.echo(f"{len(paths)} session(s) loaded, {noted} note(s) and notice(s) copied.", err=True)
