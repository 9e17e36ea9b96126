"""Addresses that follow from the settings: which broker to connect to, and which database holds the results."""

from dataclasses import replace
from pathlib import Path

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import BrokerSettings, Settings
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.embedded import saved_address
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.store.engines import open_store
from crampwatch.store.model.interface import Store

__all__ = ["broker_address", "open_store_of", "sqlite_url", "store_url"]


def broker_address(settings: Settings, role: str) -> BrokerAddress:
    """Return the broker to use: the one that ``--broker`` names, else the embedded one of the data folder.

    Args:
        settings: Names the broker, or the data folder of the embedded one.
        role: Whose login to use at the embedded broker; also the user name where only a password is set.

    Raises:
        ConfigurationError: No broker is named and none was ever started in the data folder.
    """
    if settings.broker.url:
        return _named_broker(settings.broker, role)
    address = saved_address(DataFolder(settings.data).broker, role=role)
    if address is None:
        raise ConfigurationError(
            f"No broker to connect to: --broker is not set, and no broker was ever started in {settings.data}.",
            advice="Start `crampwatch broker` with the same --data first, or name your own broker with --broker.",
        )
    return address


def store_url(settings: Settings) -> str:
    """Return the address of the store: the one that ``--store`` names, else SQLite in the data folder."""
    return settings.store.url or sqlite_url(DataFolder(settings.data).store)


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite store at a path.

    >>> sqlite_url(Path("/srv/store.sqlite"))
    'sqlite:///srv/store.sqlite'
    """
    return f"sqlite:///{path.resolve().as_posix().lstrip('/')}"


def open_store_of(settings: Settings, *, read_only: bool = False) -> Store:
    """Open the store that the settings name; the caller closes it.

    Raises:
        UnavailableError: It cannot be opened.
    """
    store = settings.store
    return open_store(store_url(settings), token=store.token, org=store.org, bucket=store.bucket, read_only=read_only)


def _named_broker(broker: BrokerSettings, role: str) -> BrokerAddress:
    address = BrokerAddress.parse(broker.url)
    if broker.password and address.password is None:
        address = replace(address, user=address.user or role, password=broker.password)
    return replace(address, ca_file=Path(broker.ca)) if broker.ca else address
