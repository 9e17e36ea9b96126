"""The way to an InfluxDB: line protocol in, InfluxQL out, errors in our words."""

import json
from collections.abc import Sequence
from typing import Any, Final

import urllib3
from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.store.model.interface import RejectedError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

__all__ = ["InfluxClient", "Row", "quoted", "within"]

Row = dict[str, Any]
_TIMEOUT_S: Final = 10.0
_LINES: Final = 5000
"""Of a request: as InfluxDB's guides advise; servers refuse more than 25 MB."""
_EARLIEST_NS: Final = -(1 << 62)
_LATEST_NS: Final = (1 << 63) - 1_000_000_000
_PASSING: Final = frozenset({401, 403, 404, 405, 408, 429})
"""Client errors that a person or time can mend: wrong token, no bucket, another server, too fast."""
_ADVICE: Final = {
    401: "Check the token (CRAMPWATCH_STORE_TOKEN).",
    403: "Give the token the right to read and write the bucket.",
    404: "Create the bucket; where it exists, the server is too old: InfluxDB 1.8, 2 and 3 are understood.",
    405: "What answers there is no InfluxDB 1.8, 2 or 3: check the address.",
}


class InfluxClient:
    """A connection that is made when needed. Calls block and must not overlap.

    Args:
        url: ``http://`` or ``https://``.
        token: What it lets us in for; may be empty.
        org: Organisation (version 2).
        bucket: Bucket, or database.
    """

    def __init__(self, url: str, *, token: str, org: str, bucket: str) -> None:
        self._url = url.rstrip("/")
        self._bucket = bucket
        self._client = InfluxDBClient(self._url, token=token, org=org, timeout=round(_TIMEOUT_S * 1000))
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._reader = urllib3.PoolManager(
            timeout=_TIMEOUT_S, retries=False, headers={"Authorization": f"Token {token}"} if token else {}
        )

    def send(self, lines: Sequence[str]) -> None:
        """Write points, some thousand at a time; accepted by the database when this returns. Empty lines are left out.

        Raises:
            RejectedError: The database will never take one of them.
            UnavailableError: It cannot be reached or written now.
        """
        written = [line for line in lines if line]
        for begin in range(0, len(written), _LINES):
            self._send("\n".join(written[begin : begin + _LINES]).encode())

    def _send(self, record: bytes) -> None:
        try:
            self._writer.write(self._bucket, record=record)
        except ApiException as error:
            raise self._refused(error.status, str(error.body or error.reason or "")) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def query(self, query: str) -> list[Row]:
        """Return the rows of one statement, tags as columns.

        Raises:
            UnavailableError: The database cannot be reached or does not answer.
        """
        try:
            response = self._reader.request(
                "GET", f"{self._url}/query", fields={"db": self._bucket, "epoch": "ns", "q": query}
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        if response.status != 200:
            raise self._refused(response.status, response.data.decode(errors="replace"))
        try:
            return _rows(json.loads(response.data))
        except (ValueError, KeyError, TypeError) as error:
            raise UnavailableError(
                f"What answers at {self._url} is no InfluxDB.", advice="Check the address."
            ) from error

    def close(self) -> None:
        """Close connections."""
        self._writer.close()  # type: ignore[no-untyped-call]  # the client is typed in parts
        self._client.close()  # type: ignore[no-untyped-call]
        self._reader.clear()

    def _unreachable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"InfluxDB at {self._url} cannot be reached: {error}.", advice="Check that it runs, and its address."
        )

    def _refused(self, status: int | None, text: str) -> CrampwatchError | RejectedError:
        told = " ".join(text.split())[:300]
        if status is not None and 400 <= status < 500 and status not in _PASSING:
            return RejectedError(f"InfluxDB at {self._url} refuses what is written: {told}")
        return UnavailableError(
            f"InfluxDB at {self._url} (bucket {self._bucket}) answers {status}: {told}",
            advice=_ADVICE.get(status or 0, "Its log tells more."),
        )


def quoted(text: str) -> str:
    """Return a text as InfluxQL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def within(since_ns: int, until_ns: int) -> str:
    """Return the condition of a span."""
    return f"time >= {max(since_ns, _EARLIEST_NS)} AND time < {min(until_ns, _LATEST_NS)}"


def _rows(answer: dict[str, Any]) -> list[Row]:
    (result,) = answer["results"]
    if "error" in result or "error" in answer:
        raise UnavailableError(
            f"InfluxDB does not answer a query: {result.get('error', answer.get('error'))}.",
            advice="Check that the bucket exists; InfluxDB 1.8, 2 and 3 are understood.",
        )
    return [
        dict(zip(group["columns"], row, strict=True)) | group.get("tags", {})
        for group in result.get("series", ())
        for row in group["values"]
    ]
