"""One point for each night of each sensor in InfluxDB, so that a year of nights is 365 points.

A night is a summary of what is in the database, like a tier: whenever a message is written that it depends on, the
summary is computed again from what is stored then, and replaces the earlier point (same sensor, origin and start).
"""

from collections.abc import Iterable
from typing import Final

from crampwatch.protocol import messages
from crampwatch.protocol.messages import Episode, Features, JournalEntry, Message, SensorInfo
from crampwatch.store.influx.client import InfluxClient, Row, quote, time_condition
from crampwatch.store.influx.line_protocol import format_point
from crampwatch.store.model.downsampling import TIERS_NS, tier_name
from crampwatch.store.model.interface import FOREVER_NS
from crampwatch.store.model.night_summary import (
    Night,
    evening_date,
    hours_from_midnight,
    summarise_night,
)
from crampwatch.store.model.points import Value

__all__ = ["format_night", "read_nights", "refresh_nights"]

_DAY_NS: Final = 86_400_000_000_000
"""How far around a recording its journal entries, and around a journal entry its recordings, are looked for: more than
the twelve hours before the start in which a factor belongs to the night."""
_HOUR_NS: Final = 3_600_000_000_000
"""Documents are stored at the time of their first revision, which may be later than the end of the recording."""
_FACTOR_SEPARATOR: Final = "; "
_NIGHT_FIELDS: Final = (
    "session", "night", "begin_ns", "end_ns", "side", "monitored_s", "coverage",
    "cramps", "cramps_per_hour", "cramp_s", "longest_s", "factors",
)  # fmt: skip
_OTHER_KINDS: Final = ("twitch", "leg_movement", "movement", "rhythmic", "artefact")


def refresh_nights(client: InfluxClient, written: Iterable[Message]) -> None:
    """Recompute the nights that depend on these messages; messages and tiers must be in the database already."""
    lines: list[str] = []
    for session, sensor in sorted({key for message in written for key in _affected_recordings(client, message)}):
        lines += _recording_lines(client, session, sensor)
    client.write_points(lines)


def read_nights(client: InfluxClient, since_ns: int, until_ns: int, sensor: str | None) -> list[Night]:
    """Return the nights that started within a time span, ordered by start."""
    who = f"AND sensor = {quote(sensor)}" if sensor is not None else ""
    columns = ", ".join((*_NIGHT_FIELDS, *_OTHER_KINDS, "origin", "sensor"))
    rows = client.query(f"SELECT {columns} FROM night WHERE {time_condition(since_ns, until_ns)} {who}")  # noqa: S608 - quoted
    nights = [_parse_night(row) for row in rows]
    return sorted(nights, key=lambda night: (night.begin_ns, night.sensor))


def format_night(night: Night) -> str:
    """Return a night as a point at its start."""
    fields: dict[str, Value] = {
        name: value for name in _NIGHT_FIELDS[:-1] if (value := getattr(night, name)) is not None
    }
    # Writing a point does not remove fields that it lacks: counts of zero and an empty text replace earlier ones.
    fields |= night.others | {"factors": _FACTOR_SEPARATOR.join(night.factors)}
    return format_point("night", {"sensor": night.sensor, "origin": night.origin}, fields, night.begin_ns)


def _parse_night(row: Row) -> Night:
    values = {name: row[name] for name in (*_NIGHT_FIELDS, "origin", "sensor")}
    factors = tuple(part for part in (row["factors"] or "").split(_FACTOR_SEPARATOR) if part)
    others = {kind: int(row[kind] or 0) for kind in _OTHER_KINDS}
    return Night(**(values | {"factors": factors, "others": others}))


def _affected_recordings(client: InfluxClient, message: Message) -> list[tuple[str, str]]:
    """Return session and sensor of each recording whose night depends on a message."""
    match message:
        case SensorInfo() | Episode() | Features():
            return [(message.session, message.sensor)]
        case JournalEntry():
            around = time_condition(message.t_ns - _DAY_NS, message.t_ns + _DAY_NS)
            rows = client.query(f"SELECT session, sensor FROM session WHERE {around}")  # noqa: S608 - numbers
            return [(row["session"], row["sensor"]) for row in rows]
    return []


def _recording_lines(client: InfluxClient, session: str, sensor: str) -> list[str]:
    """Return the point of the night, and for each of its episodes the fields that follow from the recording."""
    info = _read_info(client, session, sensor)
    since_ns = 0 if info is None else info.started_ns - _DAY_NS
    until_ns = FOREVER_NS if info is None or info.ended_ns is None else info.ended_ns + _HOUR_NS
    episodes = _read_episodes(client, session, sensor, (since_ns, until_ns))
    lines = [text for row in episodes if (text := _night_fields_line(row, info))]
    if info is None:
        return lines
    end_ns, monitored_s = _measure_monitored_time(client, info)
    valid = [(row["kind"], row["duration_s"]) for row in episodes if row["status"] != "retracted"]
    factors = _read_factors(client, info, end_ns)
    night = summarise_night(info, valid, end_ns=end_ns, monitored_s=monitored_s, journal=factors)
    return [*lines, format_night(night)]


def _read_info(client: InfluxClient, session: str, sensor: str) -> SensorInfo | None:
    rows = client.query(f"SELECT message FROM session WHERE id = {quote(f'{session}.{sensor}')}")  # noqa: S608 - quoted
    return messages.decode(rows[0]["message"].encode(), SensorInfo) if rows else None


def _read_episodes(client: InfluxClient, session: str, sensor: str, span_ns: tuple[int, int]) -> list[Row]:
    return client.query(
        "SELECT kind, status, onset_ns, duration_s, night, midnight_h, origin, sensor FROM episode "  # noqa: S608 - quoted
        f"WHERE sensor = {quote(sensor)} AND session = {quote(session)} AND {time_condition(*span_ns)}"
    )


def _night_fields_line(row: Row, info: SensorInfo | None) -> str:
    """Return a point that adds `night` and `midnight_h` to a stored episode; empty if it has them already."""
    offset_s = 0 if info is None else info.utc_offset_s
    started_ns = row["onset_ns"] if info is None else info.started_ns
    fields: dict[str, Value] = {
        "night": evening_date(started_ns, offset_s),
        "midnight_h": hours_from_midnight(row["onset_ns"], offset_s),
    }
    if all(row[name] == value for name, value in fields.items()):
        return ""
    return format_point("episode", {"sensor": row["sensor"], "origin": row["origin"]}, fields, row["time"])


def _measure_monitored_time(client: InfluxClient, info: SensorInfo) -> tuple[int, float]:
    """Return the end of the recording (so far), UTC, and for how many seconds there was a signal."""
    until_ns = FOREVER_NS if info.ended_ns is None else info.ended_ns
    source = f'FROM "{tier_name("features", TIERS_NS[0])}" WHERE sensor = {quote(info.sensor)}'
    span = time_condition(info.started_ns - TIERS_NS[0], until_ns)
    sums = client.query(f"SELECT sum(covered_s) AS seconds {source} AND {span} GROUP BY channel")
    monitored_s = max((float(row["seconds"]) for row in sums), default=0.0)
    if info.ended_ns is not None:
        return info.ended_ns, monitored_s
    newest = client.query(f"SELECT last(covered_s) AS seconds {source} AND {span}")
    return max((row["time"] + TIERS_NS[0] for row in newest), default=info.started_ns), monitored_s


def _read_factors(client: InfluxClient, info: SensorInfo, end_ns: int) -> list[JournalEntry]:
    around = time_condition(info.started_ns - _DAY_NS, end_ns + _HOUR_NS)
    rows = client.query(f"SELECT message FROM journal WHERE entry = 'factor' AND {around}")  # noqa: S608 - numbers
    return [messages.decode(row["message"].encode(), JournalEntry) for row in rows]
