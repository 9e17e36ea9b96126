"""`crampwatch web`: this stage alone, until it is stopped."""

import click
from crampwatch.app.cli.options import settings_options
from crampwatch.app.config.resolve import Resolved

__all__ = ["web"]


@click.command(short_help="Serve the live page.")
@settings_options("broker", "store", "web", "ops")
def web(*, resolved: Resolved) -> None:
    """Serve the live page.

    It listens on this machine only unless --web-host says otherwise; it then asks for the token CRAMPWATCH_WEB_TOKEN.
    """
    from crampwatch.app.supervise.build import run_stage

    run_stage("web", resolved.settings)
