"""The store in InfluxDB: line protocol in, InfluxQL out, which versions 1.8, 2 and 3 all serve.

Measurements, tags and fields are in docs/store.md. InfluxDB has no upsert by id: a point is known by measurement, tags
and time, and the last write wins. So what a batch says of documents is compared with what is there before it is
written. That is sound as long as one store service writes to a database, one batch after another.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from crampwatch.protocol import messages
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.influx.client import InfluxClient, quoted, within
from crampwatch.store.influx.downsampled import read_tier, refresh_tiers, series_of
from crampwatch.store.influx.line_protocol import line
from crampwatch.store.influx.nights import nights_of, refresh_nights
from crampwatch.store.influx.raw import read_raw, write_raw
from crampwatch.store.model.downsampling import coarsest
from crampwatch.store.model.interface import FOREVER_NS
from crampwatch.store.model.night_summary import Night
from crampwatch.store.model.points import Document, Reading, document_of, document_time_ns, readings_of
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import FIELDS, PEAKS, Series, thinned

__all__ = ["InfluxStore"]

_MOVED_NS: Final = 3_600_000_000_000
"""By how much a document's time may move from one revision to the next and still be found: an hour."""
_EPISODE_NS: Final = 2 * 86_400_000_000_000
"""An episode that began longer ago than this is over."""
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
        self._lock = threading.Lock()
        self._client = InfluxClient(url, token=token, org=org, bucket=bucket)

    def write(self, messages: Iterable[Message]) -> None:
        """Keep messages; accepted by the database when this returns.

        Tiers and nights follow. They are made from what is in the database, so that a writer that dies in between makes
        them when it writes the same again.
        """
        messages = list(messages)
        readings: list[Reading] = []
        documents: dict[tuple[str, str], Document] = {}
        raw = [message for message in messages if isinstance(message, RawChunk)]
        for message in messages:
            document = document_of(message)
            if document is None:
                readings += readings_of(message)
            else:
                _keep_highest(documents, document)
        with self._lock:
            lines = [_reading_line(reading) for reading in readings]
            self._client.send(lines + self._document_lines(list(documents.values())))
            refresh_tiers(self._client, [message for message in messages if isinstance(message, Features)])
            refresh_nights(self._client, messages)
            write_raw(self._client, raw)

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
        where = f"AND session = {quoted(session)}" if session is not None else ""
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
        span = {"since_ns": since_ns, "until_ns": until_ns, "max_points": max_points}
        tier_ns = coarsest(measurement, **span) if measurement == "features" else None
        if tier_ns is not None:
            rows = read_tier(self._client, sensor, tier_ns, (since_ns - tier_ns + 1, until_ns))
            return thinned(rows.from_(since_ns), **span, counts=rows.counts) if len(rows.series) else rows.series
        where = f'FROM "{measurement}" WHERE sensor = {quoted(sensor)} AND {within(since_ns, until_ns)}'
        counts = self._client.query(f"SELECT count(*) {where} GROUP BY channel")
        most = max((count for row in counts for name, count in row.items() if name.startswith("count_")), default=0)
        names = FIELDS[measurement]
        if most <= max_points:
            return series_of(self._client.query(f"SELECT {', '.join(names)} {where} GROUP BY channel"), names)
        span_ns = -(-(until_ns - since_ns) // max_points)
        columns = ", ".join(f"{'max' if name in PEAKS else 'mean'}({name}) AS {name}" for name in names)
        group = f"GROUP BY time({span_ns}ns, {since_ns % span_ns}ns), channel fill(null)"
        return series_of(self._client.query(f"SELECT {columns} {where} {group}"), names)

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording began within a span, by begin."""
        return nights_of(self._client, since_ns, until_ns, sensor)

    def raw(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG that was kept of a span, by time."""
        return read_raw(self._client, sensor, since_ns, until_ns)

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
        self._client.close()

    def _document_lines(self, documents: Sequence[Document]) -> list[str]:
        """Return the points of those documents that outrank what is there, each where its earlier revision is."""
        lines = []
        for measurement, sensor in sorted({(document.measurement, document.sensor) for document in documents}):
            mine = [one for one in documents if (one.measurement, one.sensor) == (measurement, sensor)]
            times = [document.t_ns for document in mine]
            span = within(min(times) - _MOVED_NS, max(times) + _MOVED_NS)
            where = f"WHERE sensor = {quoted(sensor)} AND {span}"
            rows = self._client.query(f'SELECT id, rank FROM "{measurement}" {where}')  # noqa: S608 - quoted
            known = {row["id"]: (row["time"], row["rank"]) for row in rows}
            for document in mine:
                t_ns, rank = known.get(document.id, (document_time_ns(document), -1))
                if document.rank > rank:
                    lines += _document_lines_at(document, t_ns)
        return lines

    def _documents(
        self, measurement: str, kind: type[AnyMessage], span_ns: tuple[int, int], sensor: str | None, where: str = ""
    ) -> list[AnyMessage]:
        span = within(span_ns[0] - _MOVED_NS, span_ns[1] + _MOVED_NS)
        who = f"AND sensor = {quoted(sensor)}" if sensor is not None else ""
        conditions = f"WHERE {span} {who} {where}"
        rows = self._client.query(f'SELECT id, t_ns, message FROM "{measurement}" {conditions}')  # noqa: S608 - quoted
        rows.sort(key=lambda row: (row["t_ns"], row["id"]))
        return [messages.decode(row["message"].encode(), kind) for row in rows]


def _keep_highest(documents: dict[tuple[str, str], Document], document: Document) -> None:
    key = (document.measurement, document.id)
    if key not in documents or document.rank > documents[key].rank:
        documents[key] = document


def _reading_line(reading: Reading) -> str:
    tags = {"sensor": reading.sensor, "origin": reading.origin}
    if reading.channel is not None:
        tags["channel"] = str(reading.channel)
    return line(reading.measurement, tags, reading.fields, reading.t_ns)


def _document_lines_at(document: Document, t_ns: int) -> list[str]:
    fields = document.fields | {
        "id": document.id,
        "rank": document.rank,
        "t_ns": document.t_ns,
        "message": messages.encode(document.message).decode(),
    }
    tags = {"sensor": document.sensor, "origin": document.origin}
    lines = [line(document.measurement, tags, fields, t_ns)]
    if isinstance(document.message, SensorInfo):
        lines.append(_placement_line(document.message))
    return lines


def _placement_line(info: SensorInfo) -> str:
    """Return who is worn where, as tags: the choices of a dashboard can be asked for by tags only."""
    tags = {"sensor": info.sensor, "side": info.placement.side, "origin": info.origin.value}
    fields = {"name": info.name, "muscle": info.placement.muscle, "session": info.session}
    return line("sensor", tags, fields, info.started_ns)
