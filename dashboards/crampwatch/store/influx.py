"""The store in InfluxDB: line protocol in, InfluxQL out, which versions 1.8, 2 and 3 all serve.

Measurements, tags and fields are in docs/store.md. InfluxDB has no upsert by id: a point is known by measurement, tags
and time, and the last write wins. So what a batch says of documents is compared with what is there before it is
written. That is sound as long as one store service writes to a database, one batch after another.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import urllib3
from crampwatch.protocol import messages
from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.protocol.messages import Episode, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.line_protocol import line
from crampwatch.store.points import Document, Reading, document_of, document_time_ns, readings_of
from crampwatch.store.series import FIELDS, PEAKS, Series
from crampwatch.store.store import FOREVER_NS, RejectedError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

__all__ = ["InfluxStore"]

_TIMEOUT_S: Final = 10.0
_MOVED_NS: Final = 3_600_000_000_000
"""By how much a document's time may move from one revision to the next and still be found: an hour."""
_EPISODE_NS: Final = 2 * 86_400_000_000_000
"""An episode that began longer ago than this is over."""
_EARLIEST_NS: Final = -(1 << 62)
_LATEST_NS: Final = (1 << 63) - 1_000_000_000
_PASSING: Final = frozenset({401, 403, 404, 408, 429})
"""Client errors that a person or time can mend: wrong token, no bucket, too fast."""
AnyMessage = TypeVar("AnyMessage", bound=Message)


class InfluxStore:
    """A store in an InfluxDB.

    Args:
        url: ``http://`` or ``https://``.
        token: What it lets us in for; may be empty.
        org: Organisation (version 2).
        bucket: Bucket, or database.
    """

    def __init__(self, url: str, *, token: str = "", org: str = "crampwatch", bucket: str = "crampwatch") -> None:
        self._url = url.rstrip("/")
        self._bucket = bucket
        self._lock = threading.Lock()
        self._client = InfluxDBClient(self._url, token=token, org=org, timeout=round(_TIMEOUT_S * 1000))
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._reader = urllib3.PoolManager(
            timeout=_TIMEOUT_S, retries=False, headers={"Authorization": f"Token {token}"} if token else {}
        )

    def write(self, messages: Iterable[Message]) -> None:
        """Keep messages; accepted by the database when this returns."""
        readings: list[Reading] = []
        documents: dict[tuple[str, str], Document] = {}
        for message in messages:
            document = document_of(message)
            if document is None:
                readings += readings_of(message)
            else:
                _keep_highest(documents, document)
        with self._lock:
            lines = [_reading_line(reading) for reading in readings]
            lines += self._document_lines(list(documents.values()))
            self._send([text for text in lines if text])

    def episodes(
        self,
        *,
        since_ns: int = 0,
        until_ns: int = FOREVER_NS,
        sensor: str | None = None,
        session: str | None = None,
        with_retracted: bool = False,
    ) -> list[Episode]:
        """Return the revision that holds of each episode that lasted at any time within a span, by onset."""
        where = f"AND session = {_quoted(session)}" if session is not None else ""
        found = self._documents("episode", Episode, (since_ns - _EPISODE_NS, until_ns), sensor, where)
        return [
            episode
            for episode in found
            if (FOREVER_NS if episode.offset_ns is None else episode.offset_ns) >= since_ns
            and episode.onset_ns < until_ns
            and (with_retracted or episode.status != "retracted")
        ]

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return a measurement of a sensor within ``since <= t < until``, thinned by the database."""
        where = f'FROM "{measurement}" WHERE sensor = {_quoted(sensor)} AND {_within(since_ns, until_ns)}'
        counts = self._query(f"SELECT count(*) {where} GROUP BY channel")
        most = max((count for row in counts for name, count in row.items() if name.startswith("count_")), default=0)
        names = FIELDS[measurement]
        if most <= max_points:
            rows = self._query(f"SELECT {', '.join(names)} {where} GROUP BY channel")
            return _series(rows, names)
        span_ns = -(-(until_ns - since_ns) // max_points)
        columns = ", ".join(f"{'max' if name in PEAKS else 'mean'}({name}) AS {name}" for name in names)
        group = f"GROUP BY time({span_ns}ns, {since_ns % span_ns}ns), channel fill(null)"
        return _series(self._query(f"SELECT {columns} {where} {group}"), names)

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a span, by time."""
        found = self._documents("notice", Notice, (since_ns, until_ns), sensor)
        return [notice for notice in found if since_ns <= notice.t_ns < until_ns]

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return what the wearer noted within a span, by time."""
        found = self._documents("journal", JournalEntry, (since_ns, until_ns), sensor)
        return [entry for entry in found if since_ns <= entry.t_ns < until_ns]

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return what is known of each sensor in each session, by begin."""
        return self._documents("session", SensorInfo, (0, FOREVER_NS), sensor)

    def sensors(self) -> list[SensorInfo]:
        """Return each sensor as it introduced itself last, by id."""
        newest = {info.sensor: info for info in self.sessions()}
        return [newest[sensor] for sensor in sorted(newest)]

    def close(self) -> None:
        """Close connections."""
        self._writer.close()  # type: ignore[no-untyped-call]  # the client is typed in parts
        self._client.close()  # type: ignore[no-untyped-call]
        self._reader.clear()

    def _document_lines(self, documents: Sequence[Document]) -> list[str]:
        """Return the points of those documents that outrank what is there, each where its earlier revision is."""
        lines = []
        for measurement, sensor in sorted({(document.measurement, document.sensor) for document in documents}):
            mine = [one for one in documents if (one.measurement, one.sensor) == (measurement, sensor)]
            times = [document.t_ns for document in mine]
            span = _within(min(times) - _MOVED_NS, max(times) + _MOVED_NS)
            where = f"WHERE sensor = {_quoted(sensor)} AND {span}"
            rows = self._query(f'SELECT id, rank FROM "{measurement}" {where}')  # noqa: S608 - quoted
            known = {row["id"]: (row["time"], row["rank"]) for row in rows}
            for document in mine:
                t_ns, rank = known.get(document.id, (document_time_ns(document), -1))
                if document.rank > rank:
                    lines.append(_document_line(document, t_ns))
        return lines

    def _documents(
        self, measurement: str, kind: type[AnyMessage], span_ns: tuple[int, int], sensor: str | None, where: str = ""
    ) -> list[AnyMessage]:
        span = _within(span_ns[0] - _MOVED_NS, span_ns[1] + _MOVED_NS)
        who = f"AND sensor = {_quoted(sensor)}" if sensor is not None else ""
        conditions = f"WHERE {span} {who} {where}"
        rows = self._query(f'SELECT id, t_ns, message FROM "{measurement}" {conditions}')  # noqa: S608 - quoted
        rows.sort(key=lambda row: (row["t_ns"], row["id"]))
        return [messages.decode(row["message"].encode(), kind) for row in rows]

    def _send(self, lines: list[str]) -> None:
        if not lines:
            return
        try:
            self._writer.write(self._bucket, record="\n".join(lines).encode())
        except ApiException as error:
            raise self._refused(error.status, str(error.body or error.reason or "")) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def _query(self, query: str) -> list[dict[str, Any]]:
        try:
            response = self._reader.request(
                "GET", f"{self._url}/query", fields={"db": self._bucket, "epoch": "ns", "q": query}
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        if response.status != 200:
            raise self._refused(response.status, response.data.decode(errors="replace"))
        return _rows(json.loads(response.data))

    def _unreachable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"InfluxDB at {self._url} cannot be reached: {error}.", advice="Check that it runs, and its address."
        )

    def _refused(self, status: int | None, text: str) -> CrampwatchError | RejectedError:
        told = " ".join(text.split())[:300]
        if status is not None and 400 <= status < 500 and status not in _PASSING:
            return RejectedError(f"InfluxDB at {self._url} refuses what is written: {told}")
        return UnavailableError(
            f"InfluxDB at {self._url} answers {status}: {told}",
            advice="Check the token and that the bucket exists." if status in _PASSING else "Its log tells more.",
        )


def _keep_highest(documents: dict[tuple[str, str], Document], document: Document) -> None:
    key = (document.measurement, document.id)
    if key not in documents or document.rank > documents[key].rank:
        documents[key] = document


def _reading_line(reading: Reading) -> str:
    tags = {"sensor": reading.sensor, "origin": reading.origin}
    if reading.channel is not None:
        tags["channel"] = str(reading.channel)
    return line(reading.measurement, tags, reading.fields, reading.t_ns)


def _document_line(document: Document, t_ns: int) -> str:
    fields = document.fields | {
        "id": document.id,
        "rank": document.rank,
        "t_ns": document.t_ns,
        "message": messages.encode(document.message).decode(),
    }
    return line(document.measurement, {"sensor": document.sensor, "origin": document.origin}, fields, t_ns)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _within(since_ns: int, until_ns: int) -> str:
    return f"time >= {max(since_ns, _EARLIEST_NS)} AND time < {min(until_ns, _LATEST_NS)}"


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the one statement of a query, tags as columns."""
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


def _series(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Series:
    t_ns = np.array(sorted({row["time"] for row in rows}), dtype=np.int64)
    channels = 1 + max((int(row.get("channel") or 0) for row in rows), default=0)
    values = {name: np.full((len(t_ns), channels), np.nan) for name in names}
    places = np.searchsorted(t_ns, [row["time"] for row in rows])
    for place, row in zip(places, rows, strict=True):
        for name in names:
            if row[name] is not None:
                values[name][place, int(row.get("channel") or 0)] = row[name]
    return Series(t_ns, values)
