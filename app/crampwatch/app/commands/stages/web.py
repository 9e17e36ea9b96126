"""`crampwatch web`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["web"]


@click.command(short_help="Serve the live page.")
@settings_options("broker", "store", "web", "ops")
def web(*, resolved: Resolved) -> None:
    """Serve the live page.

    It listens on this machine only, unless --web-host says otherwise; visitors then log in with a secret
    (CRAMPWATCH_WEB_TOKEN, or the one in secrets.toml of the data folder).
    """
    from crampwatch.app.stages.web import run_web

    run_web(resolved.settings)
