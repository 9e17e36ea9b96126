"""The store as a separate program."""

from crampwatch.app.config.addresses import broker_address, store_url
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.store.ingest.service import StoreOptions, run

__all__ = ["run_store"]


def run_store(settings: Settings) -> None:
    """Run the store until stopped.

    Raises:
        CrampwatchError: It cannot run.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = StoreOptions(
        broker_address(settings, "store"),
        store_url(settings),
        settings.data,
        token=settings.store.token,
        org=settings.store.org,
        bucket=settings.store.bucket,
        client_id=folder.client_id("store"),
    )
    run_service("store", settings, lambda stop: run(options, stop=stop))
