"""`crampwatch finalise`: the final verdict over sessions that have ended."""

import json

import click
from crampwatch.app.cli.options import json_option, settings_options
from crampwatch.app.config.resolve import Resolved
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["finalise"]


@click.command(short_help="Judge a recorded session anew, as a whole.")
@click.argument("session", required=False)
@click.option(
    "--every", "every_s", type=click.IntRange(5), metavar="SECONDS", help="Look again that often, until stopped."
)
@settings_options("broker", "store", "ops")
@json_option()
def finalise(*, resolved: Resolved, session: str | None, every_s: int | None, as_json: bool) -> None:
    r"""Run the detector over whole sessions, backfilled gaps included; the result replaces what was said live.

    `crampwatch wear` does this when a session ends; where there was no time for it, this command does. SESSION is a
    file, the begin of its name, or `last`; without it all that are still to be judged.

    \b
    Examples:
      crampwatch finalise
      crampwatch finalise last
      crampwatch finalise --every 60
    """
    if every_s is not None:
        if session is not None:
            raise ConfigurationError("--every is for all sessions that end.", advice="Leave out the session.")
        from crampwatch.app.analysis.final_worker import keep_finalising

        keep_finalising(resolved.settings, every_s=every_s)
        return
    import asyncio

    from crampwatch.app.analysis.final_worker import finalise_until_stopped
    from crampwatch.app.cli.progress import progress_bar
    from crampwatch.app.runtime.logs import log_to_terminal

    log_to_terminal(resolved.settings.log, least="warning")
    with progress_bar("judging") as progress:
        finals = asyncio.run(finalise_until_stopped(resolved.settings, session, progress))
    for final in finals:
        counts = {"session": final.session, "episodes": len(final.episodes), "retracted": final.retracted}
        if as_json:
            click.echo(json.dumps(counts))
        else:
            click.echo(
                f"Session {final.session}: {len(final.episodes)} episode(s), {final.retracted} live one(s) withdrawn."
            )
    if not finals and not as_json:
        click.echo("Nothing is left to judge.")
