"""Copies all points of an InfluxDB to line protocol and back.

Reads by InfluxQL and writes by ``/api/v2/write``: the two interfaces that InfluxDB 1.8, 2 and 3 have in common.
"""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from crampwatch.app.config.settings import StoreSettings
from crampwatch.protocol.errors import UnavailableError
from crampwatch.store.influx.line_protocol import format_point

__all__ = ["InfluxCopy", "influx_copy_of"]

_CHUNK: Final = 5000
"""Points per request, as InfluxData recommends for writing."""
_TIMEOUT_S: Final = 120.0
"""A database that reads a year from a slow disk is silent for a while."""


class InfluxCopy:
    """An InfluxDB to copy from or to.

    Args:
        url: Of the database.
        token: Needs the right to read for `save`, to write for `load`.
        org: Organisation in InfluxDB 2.
        bucket: Bucket in InfluxDB 2; database in InfluxDB 1 and 3.
    """

    def __init__(self, url: str, *, token: str, org: str, bucket: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Token {token}"}
        self._org = org
        self._bucket = bucket
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT_S, retries=False)

    def save(self, path: Path) -> int:
        """Write all points to a gzip-compressed file of line protocol; return their number.

        Raises:
            UnavailableError: The database does not answer, or refuses.
        """
        count = 0
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
            for text in self._lines():
                file.write(text + "\n")
                count += 1
        return count

    def load(self, path: Path) -> None:
        """Write the points of such a file into the database; doing it again changes nothing.

        Raises:
            UnavailableError: The database does not answer, or refuses.
        """
        parameters = {"org": self._org, "bucket": self._bucket, "precision": "ns"}
        with gzip.open(path, "rb") as file:
            while batch := b"".join(itertools.islice(file, _CHUNK)):
                with self._request("POST", "/api/v2/write", parameters, batch):
                    pass

    def _lines(self) -> Iterator[str]:
        for measurement in self._names("SHOW MEASUREMENTS"):
            field_types = dict(self._rows(f"SHOW FIELD KEYS FROM {_quote(measurement)}"))
            everything = f"SELECT * FROM {_quote(measurement)} GROUP BY *"  # noqa: S608 - quoted; names are the database's
            for series in self._series(everything):
                columns = series["columns"][1:]
                for t_ns, *values in series["values"]:
                    fields = {
                        name: _field_value(value, field_types.get(name, "float"))
                        for name, value in zip(columns, values, strict=True)
                        if value is not None
                    }
                    yield format_point(measurement, series.get("tags", {}), fields, t_ns)

    def _names(self, query: str) -> list[str]:
        return [str(row[0]) for row in self._rows(query)]

    def _rows(self, query: str) -> Iterator[list[Any]]:
        for series in self._series(query):
            yield from series["values"]

    def _series(self, query: str) -> Iterator[dict[str, Any]]:
        """Yield the series of a query as they arrive: a year does not fit into memory."""
        parameters = {"db": self._bucket, "q": query, "epoch": "ns", "chunked": "true", "chunk_size": str(_CHUNK)}
        with self._request("GET", "/query", parameters) as answer:
            for text in _text_lines(answer):
                for result in json.loads(text)["results"]:
                    if "error" in result:
                        raise self._unavailable(result["error"])
                    yield from result.get("series", ())

    def _request(
        self, method: str, path: str, parameters: dict[str, str], body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        query = urlencode(parameters)
        try:
            answer = self._pool.request(
                method, f"{self._url}{path}?{query}", body=body, headers=self._headers, preload_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._unavailable(str(error)) from error
        if answer.status >= 300:
            raise self._unavailable(f"{answer.status} {answer.read(300).decode(errors='replace')}")
        return answer

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"The InfluxDB at {self._url} could not be copied: {why}.", advice="Check its address, token and bucket."
        )


def influx_copy_of(settings: StoreSettings) -> InfluxCopy | None:
    """Return the InfluxDB that the settings name; None where the store is SQLite, a file of the data folder."""
    if not settings.url.startswith("http"):
        return None
    return InfluxCopy(settings.url, token=settings.token, org=settings.org, bucket=settings.bucket)


def _text_lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for part in answer.stream(1 << 16):
        *whole, rest = (rest + part).split(b"\n")
        yield from (text for text in whole if text.strip())
    if rest.strip():
        yield rest


def _field_value(value: Any, kind: str) -> Any:
    """Return a value in the type of its field: in JSON a whole float looks like an integer."""
    return float(value) if kind == "float" else value


def _quote(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
