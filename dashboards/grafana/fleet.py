"""Fleet and health: sensors, radio, services, backlog, disk."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import MINE, framed
from grafana.panels import GREEN, ORANGE, RED, YES_NO, lines, numbers, rows, states, unit_of
from grafana.query import InfluxQuery

__all__ = ["fleet"]

Panels = list[Builder[models.Panel]]
_STORE = "\"sensor\" = '_store' AND $timeFilter"


def fleet() -> Dashboard:
    """Return the dashboard for whoever keeps it running."""
    panels = [*_store(), *_sensors(), *_radio(), *_services()]
    return framed("fleet", "crampwatch: fleet and health", panels, since="now-24h", refresh="1m")


def _store() -> Panels:
    waiting = f"""SELECT max("backlog") AS "backlog" FROM "status" WHERE {_STORE}
        GROUP BY time($__interval) fill(none)"""
    free = f"""SELECT min("free_bytes") AS "free" FROM "status" WHERE {_STORE}
        GROUP BY time($__interval) fill(none)"""
    return [
        lines(
            "Messages waiting for the database",
            [InfluxQuery(waiting, alias="backlog")],
            unit="short",
            about="They are safe on the store's disk. A line that falls is an outage being made up for.",
            empty="the store service has said nothing in this span",
            span=12,
            steps=((None, GREEN), (1000, ORANGE), (100_000, RED)),
            joined=True,
        )
        .min(0)
        .interval("30s"),
        lines(
            "Free disk of the store service",
            [InfluxQuery(free, alias="free")],
            unit="bytes",
            about="Where what waits and the session files are. Recording stops when it is full.",
            empty="the store service has said nothing in this span",
            span=12,
            steps=((None, RED), (1e9, ORANGE), (5e9, GREEN)),
            joined=True,
        )
        .min(0)
        .interval("30s"),
    ]


def _sensors() -> Panels:
    known = f"""SELECT "name", "side", "muscle", "profile", "session" FROM "session"
        WHERE {MINE} GROUP BY "sensor" ORDER BY time DESC LIMIT 1"""
    charge = f"""SELECT last("percent") AS "charge" FROM "battery" WHERE {MINE} AND $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    empty_at = f"""SELECT last("empty_at_ns") / 1000000 AS "empty at" FROM "battery" WHERE {MINE} AND $timeFilter
        GROUP BY "sensor\""""
    return [
        rows(
            "Sensors and their newest session",
            [InfluxQuery(known, shape="table")],
            about="Every sensor that was ever recorded.",
            empty="no sensor is known yet",
            height=6,
        ),
        lines(
            "Battery",
            [InfluxQuery(charge, alias="$tag_sensor")],
            unit="percent",
            about="As the sensors tell it.",
            empty="no sensor has told its charge in this span",
            span=18,
            steps=((None, RED), (15, ORANGE), (30, GREEN)),
            joined=True,
        )
        .min(0)
        .max(100)
        .interval("1m"),
        numbers(
            "Battery lasts until",
            [InfluxQuery(empty_at, alias="$tag_sensor")],
            unit="dateTimeAsIso",
            about="A forecast from the discharge so far.",
            empty="no forecast yet: it takes some hours of discharge",
        ),
    ]


def _radio() -> Panels:
    def counted(field: str) -> InfluxQuery:
        query = f"""SELECT max("{field}") AS "{field}" FROM "link" WHERE {MINE} AND $timeFilter
            GROUP BY time($__interval), "sensor" fill(none)"""
        return InfluxQuery(query, alias=f"$tag_sensor {field}", ref=field)

    connected = f"""SELECT last("connected") AS "connected" FROM "link" WHERE {MINE} AND $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    empty = "no radio link in this span"
    return [
        states(
            "Connected",
            [InfluxQuery(connected, alias="$tag_sensor")],
            about="Whether the collector had the sensor.",
            empty=empty,
            mapping=YES_NO,
        ).interval("10s"),
        lines(
            "Samples lost and fetched later",
            [counted("lost_samples"), counted("backfilled_samples")],
            unit="short",
            about="Since each session began. Lost: missing still. Backfilled: missed live, fetched from the sensor.",
            empty=empty,
            span=12,
            joined=True,
        ).min(0),
        lines(
            "Reconnections and broken frames",
            [counted("reconnects"), counted("broken_frames")],
            unit="short",
            about="Since each session began.",
            empty=empty,
            span=12,
            joined=True,
        ).min(0),
    ]


def _services() -> Panels:
    online = """SELECT last("online") AS "online" FROM "status" WHERE $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    told = f"""SELECT "sensor", "severity", "code", "text" FROM "notice" WHERE {MINE} AND $timeFilter
        ORDER BY time DESC LIMIT 100"""
    return [
        states(
            "Services and sensors that said they were there",
            [InfluxQuery(online, alias="$tag_sensor")],
            about="Services have a leading underscore. What ends without a word is told by the broker.",
            empty="nobody has said anything in this span",
            mapping=YES_NO,
            height=7,
        ).interval("30s"),
        rows(
            "Notices",
            [InfluxQuery(told, shape="table")],
            about="What a person was told: the newest first.",
            empty="nothing was to be told in this span",
        ).override_by_name("Time", unit_of("dateTimeAsIso")),
    ]
