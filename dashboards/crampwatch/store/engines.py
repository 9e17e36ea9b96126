"""Opens the store that an address names: an SQLite file, or an InfluxDB server."""

from pathlib import Path

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.store.model.interface import Store
from crampwatch.store.sqlite.store import SqliteStore

__all__ = ["open_store"]


def open_store(
    url: str,
    *,
    token: str = "",
    org: str = "crampwatch",
    bucket: str = "crampwatch",
    read_only: bool = False,
) -> Store:
    """Return the store at an address; no file or connection is opened before its first use.

    Args:
        url: ``sqlite:///path/to/file``, or the ``http://`` or ``https://`` address of an InfluxDB server.
        token: API token of InfluxDB; ignored by SQLite, like `org` and `bucket`.
        org: Organisation in InfluxDB 2.
        bucket: Bucket in InfluxDB 2; the database in InfluxDB 1 and 3.
        read_only: For a reader beside the service that writes (SQLite only).

    Raises:
        ConfigurationError: The address has another scheme.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        # "/C:/path" is how a URL writes a Windows path; the leading slash is not part of it.
        return SqliteStore(Path(rest[1:] if rest[2:3] == ":" else rest), read_only=read_only)
    if scheme in ("http", "https") and rest:
        from crampwatch.store.influx.store import InfluxStore  # noqa: PLC0415 - its client library takes 2 s to import

        return InfluxStore(url, token=token, org=org, bucket=bucket)
    raise ConfigurationError(
        f"The store's address begins with {scheme[:20]!r}.",
        advice="Write sqlite:///path/to/store.sqlite, or http://host:8086 for InfluxDB.",
    )
