"""Night: one night from evening to morning, its episodes and its coverage."""

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import IN_NIGHT, OF_SENSOR, build_dashboard
from grafana.panels import (
    GREEN,
    MICROVOLTS,
    ORANGE,
    RED,
    STATES,
    hidden_column,
    line_panel,
    link_properties,
    state_panel,
    table_panel,
    unit_properties,
)
from grafana.query import EpisodeAnnotations, InfluxQuery

__all__ = ["episode_annotations", "episode_table", "night_dashboard", "night_table"]

Panels = list[Builder[models.Panel]]
_EPISODE_LINK = (
    "/d/crampwatch-episode/crampwatch-episode?from=${__data.fields.from.numeric}&to=${__data.fields.to.numeric}"
    "&var-sensor=${__data.fields.sensor}"
)
_NIGHT_LINK = (
    "/d/crampwatch-night/crampwatch-night?from=${__data.fields.begin.numeric}&to=${__data.fields.end.numeric}"
    "&var-night=${__data.fields.night}&var-sensor=${__data.fields.sensor}"
)


def night_dashboard() -> Dashboard:
    """Return the dashboard for the morning."""
    panels = [
        night_table("Nights", "Select a night by its date: that sets the time span of all panels.", limit=14),
        *_timeline_panels(),
        *_condition_panels(),
        episode_table(),
        _journal_table(),
    ]
    dashboard = build_dashboard("night", "crampwatch: night", panels, since="now-12h", refresh="1m", with_nights=True)
    for annotation in episode_annotations():
        dashboard.annotation(annotation)
    return dashboard


def episode_annotations() -> list[EpisodeAnnotations]:
    """Return episodes as marks in all panels: likely cramps, and all others except artefacts."""
    columns = '"reasons" AS "text", "kind", "onset_ns" / 1000000 + "duration_s" * 1000 AS "end"'
    where = f"WHERE {OF_SENSOR} AND {IN_NIGHT} AND $timeFilter AND \"status\" != 'retracted'"
    return [
        EpisodeAnnotations("Likely cramps", RED, f'SELECT {columns} FROM "episode" {where} AND "kind" = \'cramp\''),
        EpisodeAnnotations(
            "Other episodes",
            "blue",
            f'SELECT {columns} FROM "episode" {where} AND "kind" != \'cramp\' AND "kind" != \'artefact\'',
        ),
    ]


def night_table(title: str, about: str, *, limit: int) -> table.Panel:
    """Return a table of nights whose rows link to the night."""
    query = f"""SELECT "night", "sensor", "side", "cramps_per_hour", "cramps", "monitored_s", "coverage", "longest_s",
        "factors", "begin_ns" / 1000000 AS "begin", "end_ns" / 1000000 AS "end"
        FROM "night" WHERE {OF_SENSOR} AND {IN_NIGHT} ORDER BY time DESC LIMIT {limit}"""
    panel = table_panel(title, [InfluxQuery(query, shape="table")], about=about, empty="no night was recorded yet")
    columns = {
        "Time": hidden_column(),
        "night": link_properties("Open this night", _NIGHT_LINK),
        "cramps_per_hour": unit_properties("suffix: /h", 2),
        "cramps": unit_properties("none", 0),
        "monitored_s": unit_properties("dtdurations"),
        "coverage": unit_properties("percentunit", 0),
        "longest_s": unit_properties("s"),
        "begin": unit_properties("dateTimeAsIso"),
        "end": unit_properties("dateTimeAsIso"),
    }
    return _with_columns(panel, columns)


def episode_table() -> table.Panel:
    """Return a table of episodes whose rows link to the episode."""
    query = f"""SELECT "onset_ns" / 1000000 AS "begin", "sensor", "kind", "duration_s", "confidence", "peak",
        "status", "reasons", "onset_ns" / 1000000 - 15000 AS "from", "onset_ns" / 1000000 + "duration_s" * 1000 + 20000
        AS "to" FROM "episode" WHERE {OF_SENSOR} AND {IN_NIGHT} AND $timeFilter AND "status" != 'retracted' ORDER BY
        time DESC"""
    panel = table_panel(
        "Episodes",
        [InfluxQuery(query, shape="table")],
        about="Likely, not certain. Withdrawn episodes are left out; 'final' is the result for the complete night.",
        empty="no episode in this span",
        height=10,
    )
    columns = {
        "Time": hidden_column(),
        "begin": [*unit_properties("dateTimeAsIso"), *link_properties("Open this episode", _EPISODE_LINK)],
        "duration_s": unit_properties("s", 1),
        "confidence": unit_properties("percentunit", 0),
        "peak": unit_properties(MICROVOLTS, 0),
        "from": hidden_column(),
        "to": hidden_column(),
    }
    return _with_columns(panel, columns)


def _timeline_panels() -> Panels:
    state = f'SELECT "state" FROM "state" WHERE {OF_SENSOR} AND $timeFilter GROUP BY "sensor"'
    emg = f"""SELECT max("envelope") AS "envelope", mean("threshold") AS "threshold" FROM "features_10s"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(null)"""
    return [
        state_panel(
            "State",
            [InfluxQuery(state, alias="$tag_sensor")],
            about="As detected live.",
            empty="no state in this span",
            mapping=STATES,
        ),
        line_panel(
            "EMG envelope against its threshold",
            [InfluxQuery(emg, alias="$tag_sensor channel $tag_channel $col")],
            unit=MICROVOLTS,
            about="The greatest envelope in each 10 s or longer. Red marks are likely cramps.",
            empty="no signal in this span",
            dashed=r"/.* threshold$/",
        ).interval("10s"),
    ]


def _condition_panels() -> Panels:
    warm = f"""SELECT mean("celsius") AS "temperature" FROM "temperature"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    share = f"""SELECT sum("covered_s") / 600 AS "coverage" FROM "features_10m"
        WHERE {OF_SENSOR} AND "channel" = '0' AND $timeFilter GROUP BY time(10m), "sensor" fill(0)"""
    return [
        line_panel(
            "Skin temperature",
            [InfluxQuery(warm, alias="$tag_sensor")],
            unit="celsius",
            about="At the sensor. Cold feet are one of the things worth comparing between nights.",
            empty="no temperature in this span",
            span=12,
            joined=True,
        ).interval("1m"),
        line_panel(
            "Coverage",
            [InfluxQuery(share, alias="$tag_sensor")],
            unit="percentunit",
            about="Share of each ten minutes with a usable signal. Time without coverage is not time without cramps.",
            empty="nothing was monitored in this span",
            span=12,
            steps=((None, RED), (0.5, ORANGE), (0.9, GREEN)),
            bars=True,
        )
        .min(0)
        .max(1),
    ]


def _journal_table() -> table.Panel:
    query = 'SELECT "entry", "text", "value", "sensor" FROM "journal" WHERE $timeFilter ORDER BY time DESC'
    return table_panel(
        "Journal",
        [InfluxQuery(query, shape="table")],
        about="What the wearer noted: factors, confirmations, pain and what helped.",
        empty="nothing was noted in this span",
        height=6,
    )


def _with_columns(panel: table.Panel, columns: dict[str, list[models.DynamicConfigValue]]) -> table.Panel:
    for name, properties in columns.items():
        panel.override_by_name(name, properties)
    return panel
