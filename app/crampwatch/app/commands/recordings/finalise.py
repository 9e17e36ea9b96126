"""`crampwatch finalise`: the final analysis of sessions that have ended."""

import json

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["finalise"]


@click.command(short_help="Re-analyse a recorded session.")
@click.argument("session", required=False)
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(5),
    metavar="SECONDS",
    help="Keep running and look for ended sessions at this interval.",
)
@settings_options("broker", "store", "ops")
@json_option()
def finalise(*, resolved: Resolved, session: str | None, every_s: int | None, as_json: bool) -> None:
    r"""Analyse recorded sessions as a whole, including data fetched late; the result replaces the live one.

    `crampwatch wear` does this when a session ends; this command does it if there was no time. SESSION is a file, a
    prefix of a session's name, or `last`; without it, all sessions that still need it are analysed.

    \b
    Examples:
      crampwatch finalise
      crampwatch finalise last
      crampwatch finalise --every 60
    """
    if every_s is not None:
        if session is not None:
            raise ConfigurationError("--every analyses all sessions as they end.", advice="Leave out SESSION.")
        from crampwatch.app.final_analysis.worker import run_finaliser

        run_finaliser(resolved.settings, every_s=every_s)
        return
    import asyncio

    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.cli.wording import episode_counts_text
    from crampwatch.app.final_analysis.worker import finalise_sessions
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="warning")
    with progress_bar("analysing") as progress:
        results = asyncio.run(finalise_sessions(resolved.settings, session, progress))
    for final in results:
        if as_json:
            counts = {"session": final.session, "episodes": len(final.episodes), "retracted": final.retracted}
            click.echo(json.dumps(counts))
        else:
            found = episode_counts_text(final.counts, final.monitored_s)
            click.echo(f"Session {final.session}: {found}; {final.retracted} of the live results withdrawn.")
    if not results and not as_json:
        click.echo("All sessions are already analysed.")
