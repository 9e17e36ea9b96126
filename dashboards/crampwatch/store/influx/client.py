"""Client for an InfluxDB server: line protocol in, InfluxQL out, and our own errors."""

import json
from collections.abc import Sequence
from typing import Any, Final

import urllib3
from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.store.model.interface import RejectedError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

__all__ = ["InfluxClient", "Row", "quote", "time_condition"]

Row = dict[str, Any]
_TIMEOUT_S: Final = 10.0
_LINES_PER_REQUEST: Final = 5000
"""The batch size that InfluxDB's guides advise; servers refuse a body of more than 25 MB."""
# InfluxDB's own limits: beyond them a time in a query is an error. Its maximum is a second before our end of time.
_EARLIEST_NS: Final = -(1 << 62)
_LATEST_NS: Final = (1 << 63) - 1_000_000_000
_RETRYABLE: Final = frozenset({401, 403, 404, 405, 408, 429})
"""Client errors that a person or time can fix (wrong token, no bucket, another server, too fast): messages wait. Any
other 4xx means that the message itself is at fault, and would be refused forever."""
_ADVICE: Final = {
    401: "Check the token (CRAMPWATCH_STORE_TOKEN).",
    403: "Give the token the right to read and write the bucket.",
    404: "Create the bucket; if it exists, the server is too old: crampwatch needs InfluxDB 1.8, 2 or 3.",
    405: "What answers there is not InfluxDB 1.8, 2 or 3: check the address.",
}


class InfluxClient:
    """A client that connects when it is first used. Calls block and must not overlap.

    Args:
        url: ``http://`` or ``https://`` address of the server.
        token: API token; may be empty if the server does not ask for one.
        org: Organisation (version 2 only).
        bucket: Bucket, or the database of versions 1 and 3.
    """

    def __init__(self, url: str, *, token: str, org: str, bucket: str) -> None:
        self._url = url.rstrip("/")
        self._bucket = bucket
        self._client = InfluxDBClient(self._url, token=token, org=org, timeout=round(_TIMEOUT_S * 1000))
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._reader = urllib3.PoolManager(
            timeout=_TIMEOUT_S, retries=False, headers={"Authorization": f"Token {token}"} if token else {}
        )

    def write_points(self, lines: Sequence[str]) -> None:
        """Write points in line protocol; accepted by the database when this returns. Empty lines are skipped.

        Raises:
            RejectedError: The database will never accept one of them.
            UnavailableError: The database cannot be reached, or cannot be written now.
        """
        points = [line for line in lines if line]
        for start in range(0, len(points), _LINES_PER_REQUEST):
            self._write_request("\n".join(points[start : start + _LINES_PER_REQUEST]).encode())

    def _write_request(self, body: bytes) -> None:
        try:
            self._writer.write(self._bucket, record=body)
        except ApiException as error:
            raise self._error_for_status(error.status, str(error.body or error.reason or "")) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable_error(error) from error

    def query(self, query: str) -> list[Row]:
        """Return the rows of one InfluxQL statement, with tags as columns.

        Raises:
            UnavailableError: The database cannot be reached, or answers with an error.
        """
        try:
            response = self._reader.request(
                "GET", f"{self._url}/query", fields={"db": self._bucket, "epoch": "ns", "q": query}
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable_error(error) from error
        if response.status != 200:
            raise self._error_for_status(response.status, response.data.decode(errors="replace"))
        try:
            return _parse_rows(json.loads(response.data))
        except (ValueError, KeyError, TypeError) as error:
            raise UnavailableError(
                f"What answers at {self._url} is not an InfluxDB server.", advice="Check the address."
            ) from error

    def close(self) -> None:
        """Close connections."""
        self._writer.close()  # type: ignore[no-untyped-call]  # the client library is typed only in parts
        self._client.close()  # type: ignore[no-untyped-call]
        self._reader.clear()

    def _unreachable_error(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"InfluxDB at {self._url} cannot be reached: {error}.", advice="Check that it is running, and its address."
        )

    def _error_for_status(self, status: int | None, answer: str) -> CrampwatchError | RejectedError:
        detail = " ".join(answer.split())[:300]
        if status is not None and 400 <= status < 500 and status not in _RETRYABLE:
            return RejectedError(f"InfluxDB at {self._url} rejects what is written: {detail}")
        return UnavailableError(
            f"InfluxDB at {self._url} (bucket {self._bucket}) answers {status}: {detail}",
            advice=_ADVICE.get(status or 0, "The server's log says more."),
        )


def quote(text: str) -> str:
    """Return a text as a string literal of InfluxQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def time_condition(since_ns: int, until_ns: int) -> str:
    """Return the InfluxQL condition for ``since <= time < until``, within the limits of the database."""
    return f"time >= {max(since_ns, _EARLIEST_NS)} AND time < {min(until_ns, _LATEST_NS)}"


def _parse_rows(answer: dict[str, Any]) -> list[Row]:
    (result,) = answer["results"]
    if "error" in result or "error" in answer:
        raise UnavailableError(
            f"InfluxDB does not answer a query: {result.get('error', answer.get('error'))}.",
            advice="Check that the bucket exists; crampwatch needs InfluxDB 1.8, 2 or 3.",
        )
    return [
        dict(zip(group["columns"], row, strict=True)) | group.get("tags", {})
        for group in result.get("series", ())
        for row in group["values"]
    ]
