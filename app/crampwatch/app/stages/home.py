"""The Home Assistant publisher as a separate program."""

from crampwatch.app.cli.version import version_text
from crampwatch.app.config.addresses import broker_address
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.home.service import HomeOptions, run

__all__ = ["run_home"]


def run_home(settings: Settings) -> None:
    """Publish to Home Assistant until stopped.

    Raises:
        CrampwatchError: It cannot run.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = HomeOptions(
        broker_address(settings, "home"), folder.home, version=version_text(), client_id=folder.client_id("home")
    )
    run_service("home", settings, lambda stop: run(options, stop=stop))
