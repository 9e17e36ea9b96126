"""The web page as a separate program."""

from pathlib import Path

from crampwatch.app.config.addresses import broker_address, open_store_of, store_url
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import display_value
from crampwatch.app.config.settings import Settings, setting_of
from crampwatch.app.runtime.run_service import run_service
from crampwatch.app.stages.web_archive import archive_options
from crampwatch.web.access.auth import is_loopback
from crampwatch.web.http.files import access_token
from crampwatch.web.service import WebOptions, run

__all__ = ["page_access_token", "run_web"]


def run_web(settings: Settings) -> None:
    """Serve the page until stopped.

    Raises:
        CrampwatchError: It cannot run.
    """
    folder = DataFolder(settings.data)
    folder.create()
    history = open_store_of(settings, read_only=True)
    options = WebOptions(
        broker_address(settings, "web"),
        history=history,
        host=settings.web.host,
        port=settings.web.port or None,
        access_token=page_access_token(settings),
        allowed_hosts=settings.web.allowed_hosts,
        data=settings.data,
        store_url=display_value(setting_of("store.url"), store_url(settings)),
        certificate=Path(settings.web.certificate) if settings.web.certificate else None,
        key=Path(settings.web.key) if settings.web.key else None,
        archive=archive_options(settings, history),
        client_id=folder.client_id("web"),
    )
    run_service("web", settings, lambda stop: run(options, stop=stop))


def page_access_token(settings: Settings) -> str | None:
    """Return the secret that visitors log in with; None where only this machine can open the page.

    That is the user's own (``web.token``); where other machines can open the page and there is none, one is made once
    and saved in ``secrets.toml`` of the data folder.
    """
    if settings.web.token or is_loopback(settings.web.host):
        return settings.web.token or None
    return access_token(DataFolder(settings.data).secrets)
