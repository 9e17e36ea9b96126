"""Fleet and health: sensors, radio, services, backlog, disk."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import OF_SENSOR, build_dashboard
from grafana.panels import (
    GREEN,
    ORANGE,
    RED,
    YES_NO,
    line_panel,
    number_panel,
    state_panel,
    table_panel,
    unit_properties,
)
from grafana.query import InfluxQuery

__all__ = ["fleet_dashboard"]

Panels = list[Builder[models.Panel]]
_STORE = "\"sensor\" = '_store' AND $timeFilter"


def fleet_dashboard() -> Dashboard:
    """Return the dashboard for the administrator."""
    panels = [*_store_panels(), *_sensor_panels(), *_radio_panels(), *_service_panels()]
    return build_dashboard("fleet", "crampwatch: fleet and health", panels, since="now-24h", refresh="1m")


def _store_panels() -> Panels:
    waiting = f"""SELECT max("backlog") AS "backlog" FROM "status" WHERE {_STORE}
        GROUP BY time($__interval) fill(none)"""
    free = f"""SELECT min("free_bytes") AS "free" FROM "status" WHERE {_STORE}
        GROUP BY time($__interval) fill(none)"""
    return [
        line_panel(
            "Messages waiting for the database",
            [InfluxQuery(waiting, alias="backlog")],
            unit="short",
            about="They are safe on the store's disk. While the line falls, the database catches up after an outage.",
            empty="no status of the store service in this span",
            span=12,
            steps=((None, GREEN), (1000, ORANGE), (100_000, RED)),
            joined=True,
        )
        .min(0)
        .interval("30s"),
        line_panel(
            "Free disk of the store service",
            [InfluxQuery(free, alias="free")],
            unit="bytes",
            about="Disk with the waiting messages and the session files. Recording stops when it is full.",
            empty="no status of the store service in this span",
            span=12,
            steps=((None, RED), (1e9, ORANGE), (5e9, GREEN)),
            joined=True,
        )
        .min(0)
        .interval("30s"),
    ]


def _sensor_panels() -> Panels:
    known = f"""SELECT "name", "side", "muscle", "profile", "session" FROM "session"
        WHERE {OF_SENSOR} GROUP BY "sensor" ORDER BY time DESC LIMIT 1"""
    charge = f"""SELECT last("percent") AS "charge" FROM "battery" WHERE {OF_SENSOR} AND $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    empty_at = f"""SELECT last("empty_at_ns") / 1000000 AS "empty at" FROM "battery" WHERE {OF_SENSOR} AND $timeFilter
        GROUP BY "sensor\""""
    return [
        table_panel(
            "Sensors and their newest session",
            [InfluxQuery(known, shape="table")],
            about="All sensors that were ever recorded.",
            empty="no sensor is known yet",
            height=6,
        ),
        line_panel(
            "Battery",
            [InfluxQuery(charge, alias="$tag_sensor")],
            unit="percent",
            about="As reported by the sensors.",
            empty="no sensor has reported its battery in this span",
            span=18,
            steps=((None, RED), (15, ORANGE), (30, GREEN)),
            joined=True,
        )
        .min(0)
        .max(100)
        .interval("1m"),
        number_panel(
            "Battery lasts until",
            [InfluxQuery(empty_at, alias="$tag_sensor")],
            unit="dateTimeAsIso",
            about="Forecast from the discharge so far.",
            empty="no forecast yet: it takes some hours of discharge",
        ),
    ]


def _radio_panels() -> Panels:
    def counter_query(field: str) -> InfluxQuery:
        query = f"""SELECT max("{field}") AS "{field}" FROM "link" WHERE {OF_SENSOR} AND $timeFilter
            GROUP BY time($__interval), "sensor" fill(none)"""
        return InfluxQuery(query, alias=f"$tag_sensor {field}", ref=field)

    connected = f"""SELECT last("connected") AS "connected" FROM "link" WHERE {OF_SENSOR} AND $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    empty = "no radio link in this span"
    return [
        state_panel(
            "Connected",
            [InfluxQuery(connected, alias="$tag_sensor")],
            about="Whether the collector was connected to the sensor.",
            empty=empty,
            mapping=YES_NO,
        ).interval("10s"),
        line_panel(
            "Samples lost and backfilled",
            [counter_query("lost_samples"), counter_query("backfilled_samples")],
            unit="short",
            about="Since the start of each session. Lost: still missing. Backfilled: missed live, fetched later.",
            empty=empty,
            span=12,
            joined=True,
        ).min(0),
        line_panel(
            "Reconnections and broken frames",
            [counter_query("reconnects"), counter_query("broken_frames")],
            unit="short",
            about="Since the start of each session.",
            empty=empty,
            span=12,
            joined=True,
        ).min(0),
    ]


def _service_panels() -> Panels:
    online = """SELECT last("online") AS "online" FROM "status" WHERE $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    notices = f"""SELECT "sensor", "severity", "code", "text" FROM "notice" WHERE {OF_SENSOR} AND $timeFilter
        ORDER BY time DESC LIMIT 100"""
    return [
        state_panel(
            "Services and sensors online",
            [InfluxQuery(online, alias="$tag_sensor")],
            about="Names of services start with an underscore. If one crashes, the broker reports it as offline.",
            empty="no status in this span",
            mapping=YES_NO,
            height=7,
        ).interval("30s"),
        table_panel(
            "Notices",
            [InfluxQuery(notices, shape="table")],
            about="Notices to a person, newest first.",
            empty="no notices in this span",
        ).override_by_name("Time", unit_properties("dateTimeAsIso")),
    ]
