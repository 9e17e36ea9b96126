"""The store in InfluxDB: line protocol in, InfluxQL out, which versions 1.8, 2 and 3 all serve.

Measurements, tags and fields are listed in docs/store.md. InfluxDB has no upsert by id: a point is identified by
measurement, tags and time, and the last write wins. So the documents of a batch are compared with those in the database
before they are written. That is sound as long as one store service writes to a database, one batch after another.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from crampwatch.protocol import messages
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.influx.client import InfluxClient, quote, time_condition
from crampwatch.store.influx.downsampled import read_tier, refresh_tiers, series_from_rows
from crampwatch.store.influx.line_protocol import format_point
from crampwatch.store.influx.nights import read_nights, refresh_nights
from crampwatch.store.influx.raw_emg import read_raw_chunks, write_raw_chunks
from crampwatch.store.model.downsampling import coarsest_tier
from crampwatch.store.model.interface import FOREVER_NS
from crampwatch.store.model.night_summary import Night
from crampwatch.store.model.points import Document, Reading, document_of, document_time_ns, readings_of
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import FIELDS, PEAKS, Series, thin_out

__all__ = ["InfluxStore"]

_TIME_TOLERANCE_NS: Final = 3_600_000_000_000
"""How far the time of a document may move from its first revision, at whose time it is stored, to its last: an hour. A
document that moved farther is not found, and would be stored twice."""
_LONGEST_EPISODE_NS: Final = 2 * 86_400_000_000_000
"""Episodes that started longer ago than this before a time span are over before it, whatever their last revision
says."""
AnyMessage = TypeVar("AnyMessage", bound=Message)


class InfluxStore:
    """A store in an InfluxDB.

    Args:
        url: ``http://`` or ``https://`` address of the server.
        token: API token; may be empty if the server does not ask for one.
        org: Organisation (version 2 only).
        bucket: Bucket, or the database of versions 1 and 3.
    """

    def __init__(self, url: str, *, token: str = "", org: str = "crampwatch", bucket: str = "crampwatch") -> None:
        self._lock = threading.Lock()
        self._client = InfluxClient(url, token=token, org=org, bucket=bucket)

    def write(self, messages: Iterable[Message]) -> None:
        """Store messages; accepted by the database when this returns.

        Tiers and nights are written after the messages. They are computed from what is in the database, so that a
        writer that is killed in between completes them when it writes the same messages again.
        """
        messages = list(messages)
        readings: list[Reading] = []
        documents: dict[tuple[str, str], Document] = {}
        raw_chunks = [message for message in messages if isinstance(message, RawChunk)]
        for message in messages:
            document = document_of(message)
            if document is None:
                readings += readings_of(message)
            else:
                _add_if_higher(documents, document)
        with self._lock:
            lines = [_reading_line(reading) for reading in readings]
            self._client.write_points(lines + self._document_lines(list(documents.values())))
            refresh_tiers(self._client, [message for message in messages if isinstance(message, Features)])
            refresh_nights(self._client, messages)
            write_raw_chunks(self._client, raw_chunks)

    def episodes(
        self,
        *,
        since_ns: int = 0,
        until_ns: int = FOREVER_NS,
        sensor: str | None = None,
        session: str | None = None,
        with_retracted: bool = False,
    ) -> list[Episode]:
        """Return the valid revision of each episode that overlaps a time span, ordered by onset."""
        where = f"AND session = {quote(session)}" if session is not None else ""
        found = self._read_documents("episode", Episode, (since_ns - _LONGEST_EPISODE_NS, until_ns), sensor, where)
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
        tier_ns = coarsest_tier(measurement, **span) if measurement == "features" else None
        if tier_ns is not None:
            rows = read_tier(self._client, sensor, tier_ns, (since_ns - tier_ns + 1, until_ns))
            return (
                thin_out(rows.clipped_from(since_ns), **span, counts=rows.counts) if len(rows.series) else rows.series
            )
        where = f'FROM "{measurement}" WHERE sensor = {quote(sensor)} AND {time_condition(since_ns, until_ns)}'
        counts = self._client.query(f"SELECT count(*) {where} GROUP BY channel")
        most = max((count for row in counts for name, count in row.items() if name.startswith("count_")), default=0)
        names = FIELDS[measurement]
        if most <= max_points:
            return series_from_rows(self._client.query(f"SELECT {', '.join(names)} {where} GROUP BY channel"), names)
        span_ns = -(-(until_ns - since_ns) // max_points)
        columns = ", ".join(f"{'max' if name in PEAKS else 'mean'}({name}) AS {name}" for name in names)
        group = f"GROUP BY time({span_ns}ns, {since_ns % span_ns}ns), channel fill(null)"
        return series_from_rows(self._client.query(f"SELECT {columns} {where} {group}"), names)

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording started within a time span, ordered by start."""
        return read_nights(self._client, since_ns, until_ns, sensor)

    def raw_emg(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG stored around episodes within a time span, ordered by time."""
        return read_raw_chunks(self._client, sensor, since_ns, until_ns)

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a time span, ordered by time."""
        found = self._read_documents("notice", Notice, (since_ns, until_ns), sensor)
        return [notice for notice in found if since_ns <= notice.t_ns < until_ns]

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return the wearer's notes within a time span, ordered by time."""
        found = self._read_documents("journal", JournalEntry, (since_ns, until_ns), sensor)
        return [entry for entry in found if since_ns <= entry.t_ns < until_ns]

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return the newest description of each sensor in each session, ordered by start."""
        return self._read_documents("session", SensorInfo, (0, FOREVER_NS), sensor)

    def sensors(self) -> list[SensorInfo]:
        """Return the newest description of each sensor, ordered by id."""
        newest = {info.sensor: info for info in self.sessions()}
        return [newest[sensor] for sensor in sorted(newest)]

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _document_lines(self, documents: Sequence[Document]) -> list[str]:
        """Return points for the documents that outrank the stored revision, each at the time of that revision."""
        lines = []
        for measurement, sensor in sorted({(document.measurement, document.sensor) for document in documents}):
            of_sensor = [one for one in documents if (one.measurement, one.sensor) == (measurement, sensor)]
            times_ns = [document.t_ns for document in of_sensor]
            around = time_condition(min(times_ns) - _TIME_TOLERANCE_NS, max(times_ns) + _TIME_TOLERANCE_NS)
            where = f"WHERE sensor = {quote(sensor)} AND {around}"
            rows = self._client.query(f'SELECT id, rank FROM "{measurement}" {where}')  # noqa: S608 - quoted
            stored = {row["id"]: (row["time"], row["rank"]) for row in rows}
            for document in of_sensor:
                t_ns, rank = stored.get(document.id, (document_time_ns(document), -1))
                if document.rank > rank:
                    lines += _document_lines_at(document, t_ns)
        return lines

    def _read_documents(
        self, measurement: str, kind: type[AnyMessage], span_ns: tuple[int, int], sensor: str | None, where: str = ""
    ) -> list[AnyMessage]:
        """Return documents stored within or near a time span, ordered by time; callers filter by the exact times."""
        around = time_condition(span_ns[0] - _TIME_TOLERANCE_NS, span_ns[1] + _TIME_TOLERANCE_NS)
        who = f"AND sensor = {quote(sensor)}" if sensor is not None else ""
        conditions = f"WHERE {around} {who} {where}"
        rows = self._client.query(f'SELECT id, t_ns, message FROM "{measurement}" {conditions}')  # noqa: S608 - quoted
        rows.sort(key=lambda row: (row["t_ns"], row["id"]))
        return [messages.decode(row["message"].encode(), kind) for row in rows]


def _add_if_higher(documents: dict[tuple[str, str], Document], document: Document) -> None:
    key = (document.measurement, document.id)
    if key not in documents or document.rank > documents[key].rank:
        documents[key] = document


def _reading_line(reading: Reading) -> str:
    tags = {"sensor": reading.sensor, "origin": reading.origin}
    if reading.channel is not None:
        tags["channel"] = str(reading.channel)
    return format_point(reading.measurement, tags, reading.fields, reading.t_ns)


def _document_lines_at(document: Document, t_ns: int) -> list[str]:
    fields = document.fields | {
        "id": document.id,
        "rank": document.rank,
        "t_ns": document.t_ns,
        "message": messages.encode(document.message).decode(),
    }
    tags = {"sensor": document.sensor, "origin": document.origin}
    lines = [format_point(document.measurement, tags, fields, t_ns)]
    if isinstance(document.message, SensorInfo):
        lines.append(_placement_line(document.message))
    return lines


def _placement_line(info: SensorInfo) -> str:
    """Return where a sensor is worn, as tags: the choices of a Grafana dashboard can be queried by tags only."""
    tags = {"sensor": info.sensor, "side": info.placement.side, "origin": info.origin.value}
    fields = {"name": info.name, "muscle": info.placement.muscle, "session": info.session}
    return format_point("sensor", tags, fields, info.started_ns)
