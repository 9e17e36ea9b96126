"""Trends: comparison of nights, always per monitored hour."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import OF_SENSOR, build_dashboard
from grafana.night import night_table
from grafana.panels import GREEN, MICROVOLTS, ORANGE, RED, line_panel, number_panel
from grafana.query import InfluxQuery

__all__ = ["trends_dashboard"]

Panels = list[Builder[models.Panel]]
_NIGHTS = f'FROM "night" WHERE {OF_SENSOR} AND $timeFilter'
_EMPTY = "no night was recorded in this span"


def trends_dashboard() -> Dashboard:
    """Return the dashboard of a year."""
    table = night_table("Nights and their factors", "Select a night by its date.", limit=400)
    panels = [*_summary_panels(), *_per_night_panels(), *_time_of_night_panels(), *_long_term_panels(), table]
    return build_dashboard("trends", "crampwatch: trends", panels, since="now-1y", refresh="", with_nights=True)


def _summary_panels() -> Panels:
    rate = f'SELECT sum("cramps") / sum("monitored_s") * 3600 AS "rate" {_NIGHTS} GROUP BY "sensor"'
    hours = f'SELECT sum("monitored_s") AS "monitored" {_NIGHTS} GROUP BY "sensor"'
    longest = f'SELECT max("longest_s") AS "longest" {_NIGHTS} GROUP BY "sensor"'
    share = f'SELECT mean("coverage") AS "coverage" {_NIGHTS} GROUP BY "sensor"'
    return [
        number_panel(
            "Likely cramps per monitored hour",
            [InfluxQuery(rate, alias="$tag_sensor")],
            unit="suffix: /h",
            about="All likely cramps in this span by all monitored hours: long nights count more than short ones.",
            empty=_EMPTY,
        ).decimals(2),
        number_panel(
            "Monitored",
            [InfluxQuery(hours, alias="$tag_sensor")],
            unit="dtdurations",
            about="Time with a usable signal; every rate here is divided by it.",
            empty=_EMPTY,
        ),
        number_panel(
            "Longest cramp",
            [InfluxQuery(longest, alias="$tag_sensor")],
            unit="s",
            about="In this span. Seek medical advice if a contraction does not ease within ten minutes.",
            empty=_EMPTY,
            steps=((None, GREEN), (300, ORANGE), (600, RED)),
        ),
        number_panel(
            "Coverage",
            [InfluxQuery(share, alias="$tag_sensor")],
            unit="percentunit",
            about="Mean share of the recorded time in which there was a signal.",
            empty=_EMPTY,
            steps=((None, RED), (0.5, ORANGE), (0.9, GREEN)),
        ),
    ]


def _per_night_panels() -> Panels:
    rate = f'SELECT "cramps_per_hour" {_NIGHTS} GROUP BY "sensor"'
    share = f'SELECT "coverage" {_NIGHTS} GROUP BY "sensor"'
    longest = f'SELECT "longest_s" {_NIGHTS} GROUP BY "sensor"'
    return [
        line_panel(
            "Likely cramps per monitored hour, by night",
            [InfluxQuery(rate, alias="$tag_sensor")],
            unit="suffix: /h",
            about="Nights with less than ten monitored minutes have no rate. Only compare nights of similar coverage.",
            empty=_EMPTY,
            bars=True,
        ).min(0),
        line_panel(
            "Coverage, by night",
            [InfluxQuery(share, alias="$tag_sensor")],
            unit="percentunit",
            about="The rate of a night with low coverage says little.",
            empty=_EMPTY,
            span=12,
            bars=True,
        )
        .min(0)
        .max(1),
        line_panel(
            "Longest cramp, by night",
            [InfluxQuery(longest, alias="$tag_sensor")],
            unit="s",
            about="0 for nights without a likely cramp.",
            empty=_EMPTY,
            span=12,
            bars=True,
        ).min(0),
    ]


def _time_of_night_panels() -> Panels:
    query = f"""SELECT "midnight_h" FROM "episode" WHERE {OF_SENSOR} AND $timeFilter AND "kind" = 'cramp'
        AND "status" != 'retracted' GROUP BY "sensor\""""
    panel = line_panel(
        "Time of night of likely cramps",
        [InfluxQuery(query, alias="$tag_sensor")],
        unit="suffix: h from midnight",
        about="By local time; -2 is ten in the evening, 3 is three in the morning.",
        empty="no likely cramp in this span",
    )
    return [panel.line_width(0).point_size(7)]


def _long_term_panels() -> Panels:
    rest = f"""SELECT mean("floor") AS "floor" FROM "features_10m"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(none)"""
    warm = f"""SELECT mean("celsius") AS "temperature" FROM "temperature"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    return [
        line_panel(
            "Muscle at rest",
            [InfluxQuery(rest, alias="$tag_sensor channel $tag_channel")],
            unit=MICROVOLTS,
            about="Level of the signal at rest. A rise over weeks is more often an electrode than the muscle.",
            empty="no signal in this span",
            span=12,
            joined=True,
        ).interval("10m"),
        line_panel(
            "Skin temperature",
            [InfluxQuery(warm, alias="$tag_sensor")],
            unit="celsius",
            about="Mean of each interval with readings.",
            empty="no temperature in this span",
            span=12,
            joined=True,
        ).interval("10m"),
    ]
