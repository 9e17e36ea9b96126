"""One point a night and sensor in InfluxDB, so that a year of nights is a year of points."""

from collections.abc import Iterable
from typing import Final

from crampwatch.protocol import messages
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, SensorInfo
from crampwatch.store.influx.client import InfluxClient, Row, quoted, within
from crampwatch.store.influx.line_protocol import line
from crampwatch.store.model.downsampling import TIERS_NS, tier_name
from crampwatch.store.model.interface import FOREVER_NS
from crampwatch.store.model.night_summary import Night, midnight_h, night_of, summed_up
from crampwatch.store.model.points import Value

__all__ = ["night_line", "nights_of", "refresh_nights"]

_DAY_NS: Final = 86_400_000_000_000
_HOUR_NS: Final = 3_600_000_000_000
_JOIN: Final = "; "
_NIGHT_FIELDS: Final = (
    "session", "night", "begin_ns", "end_ns", "side", "monitored_s", "coverage",
    "cramps", "cramps_per_hour", "cramp_s", "longest_s", "factors",
)  # fmt: skip
_KINDS: Final = ("twitch", "leg_movement", "movement", "rhythmic", "artefact")


def refresh_nights(client: InfluxClient, written: Iterable[Message]) -> None:
    """Sum up anew the nights that these messages are of; they and their tiers must be in the database already."""
    lines: list[str] = []
    for session, sensor in sorted({key for message in written for key in _sessions_of(client, message)}):
        lines += _lines_of(client, session, sensor)
    client.send(lines)


def nights_of(client: InfluxClient, since_ns: int, until_ns: int, sensor: str | None) -> list[Night]:
    """Return the nights that began within a span, by begin."""
    who = f"AND sensor = {quoted(sensor)}" if sensor is not None else ""
    columns = ", ".join((*_NIGHT_FIELDS, *_KINDS, "origin", "sensor"))
    rows = client.query(f"SELECT {columns} FROM night WHERE {within(since_ns, until_ns)} {who}")  # noqa: S608 - quoted
    found = [_night(row) for row in rows]
    return sorted(found, key=lambda night: (night.begin_ns, night.sensor))


def night_line(night: Night) -> str:
    """Return a night as a point at its begin."""
    fields: dict[str, Value] = {
        name: value for name in _NIGHT_FIELDS[:-1] if (value := getattr(night, name)) is not None
    }
    # An absent field would leave the one of an earlier writing behind: what was unknown then may be known now.
    fields |= night.others | {"factors": _JOIN.join(night.factors)}
    return line("night", {"sensor": night.sensor, "origin": night.origin}, fields, night.begin_ns)


def _night(row: Row) -> Night:
    values = {name: row[name] for name in (*_NIGHT_FIELDS, "origin", "sensor")}
    factors = tuple(part for part in (row["factors"] or "").split(_JOIN) if part)
    others = {kind: int(row[kind] or 0) for kind in _KINDS}
    return Night(**(values | {"factors": factors, "others": others}))


def _sessions_of(client: InfluxClient, message: Message) -> list[tuple[str, str]]:
    match message:
        case SensorInfo() | Episode() | Features():
            return [(message.session, message.sensor)]
        case JournalEntry():
            span = within(message.t_ns - _DAY_NS, message.t_ns + _DAY_NS)
            rows = client.query(f"SELECT session, sensor FROM session WHERE {span}")  # noqa: S608 - numbers
            return [(row["session"], row["sensor"]) for row in rows]
    return []


def _lines_of(client: InfluxClient, session: str, sensor: str) -> list[str]:
    """Return the night, and the stamps by which its episodes are known as its own."""
    info = _info(client, session, sensor)
    since_ns = 0 if info is None else info.started_ns - _DAY_NS
    until_ns = FOREVER_NS if info is None or info.ended_ns is None else info.ended_ns + _HOUR_NS
    episodes = _episodes(client, session, sensor, (since_ns, until_ns))
    lines = [text for row in episodes if (text := _stamp(row, info))]
    if info is None:
        return lines
    end_ns, monitored_s = _monitored(client, info)
    lasting = [(row["kind"], row["duration_s"]) for row in episodes if row["status"] != "retracted"]
    night = summed_up(info, lasting, end_ns=end_ns, monitored_s=monitored_s, journal=_journal(client, info, end_ns))
    return [*lines, night_line(night)]


def _info(client: InfluxClient, session: str, sensor: str) -> SensorInfo | None:
    rows = client.query(f"SELECT message FROM session WHERE id = {quoted(f'{session}.{sensor}')}")  # noqa: S608 - quoted
    return messages.decode(rows[0]["message"].encode(), SensorInfo) if rows else None


def _episodes(client: InfluxClient, session: str, sensor: str, span_ns: tuple[int, int]) -> list[Row]:
    return client.query(
        "SELECT kind, status, onset_ns, duration_s, night, midnight_h, origin, sensor FROM episode "  # noqa: S608 - quoted
        f"WHERE sensor = {quoted(sensor)} AND session = {quoted(session)} AND {within(*span_ns)}"
    )


def _stamp(row: Row, info: SensorInfo | None) -> str:
    """Return the fields of an episode that follow from its session; empty where it has them."""
    offset_s = 0 if info is None else info.utc_offset_s
    began_ns = row["onset_ns"] if info is None else info.started_ns
    fields: dict[str, Value] = {
        "night": night_of(began_ns, offset_s),
        "midnight_h": midnight_h(row["onset_ns"], offset_s),
    }
    if all(row[name] == value for name, value in fields.items()):
        return ""
    return line("episode", {"sensor": row["sensor"], "origin": row["origin"]}, fields, row["time"])


def _monitored(client: InfluxClient, info: SensorInfo) -> tuple[int, float]:
    """Return where the recording ends, as far as is known, and for how long there was a signal."""
    until_ns = FOREVER_NS if info.ended_ns is None else info.ended_ns
    source = f'FROM "{tier_name("features", TIERS_NS[0])}" WHERE sensor = {quoted(info.sensor)}'
    span = within(info.started_ns - TIERS_NS[0], until_ns)
    sums = client.query(f"SELECT sum(covered_s) AS seconds {source} AND {span} GROUP BY channel")
    monitored_s = max((float(row["seconds"]) for row in sums), default=0.0)
    if info.ended_ns is not None:
        return info.ended_ns, monitored_s
    newest = client.query(f"SELECT last(covered_s) AS seconds {source} AND {span}")
    return max((row["time"] + TIERS_NS[0] for row in newest), default=info.started_ns), monitored_s


def _journal(client: InfluxClient, info: SensorInfo, end_ns: int) -> list[JournalEntry]:
    span = within(info.started_ns - _DAY_NS, end_ns + _HOUR_NS)
    rows = client.query(f"SELECT message FROM journal WHERE entry = 'factor' AND {span}")  # noqa: S608 - numbers
    return [messages.decode(row["message"].encode(), JournalEntry) for row in rows]
