"""Live: what the feet do now."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import MINE, framed
from grafana.panels import GREEN, MICROVOLTS, ORANGE, RED, STATES, YES_NO, lines, numbers, rows, states
from grafana.query import InfluxQuery

__all__ = ["live"]

_TODAY = "time > now() - 1d"
Panels = list[Builder[models.Panel]]


def live() -> Dashboard:
    """Return the dashboard for the bedside."""
    panels = [*_now(), *_signal(), *_conditions()]
    return framed("live", "crampwatch: live", panels, since="now-5m", refresh="5s")


def _now() -> Panels:
    state = f'SELECT last("state") AS "state" FROM "state" WHERE {MINE} AND {_TODAY} GROUP BY "sensor"'
    contact = f'SELECT last("quality") AS "contact" FROM "state" WHERE {MINE} AND {_TODAY} GROUP BY "sensor"'
    battery = f'SELECT last("percent") AS "battery" FROM "battery" WHERE {MINE} AND {_TODAY} GROUP BY "sensor"'
    radio = f'SELECT last("connected") AS "connected" FROM "link" WHERE {MINE} AND {_TODAY} GROUP BY "sensor"'
    return [
        numbers(
            "State",
            [InfluxQuery(state, alias="$tag_sensor")],
            unit="none",
            about="What the detector says each foot does now. A likely cramp is likely involuntary, not certain.",
            empty="no sensor has said anything today",
            mapping=STATES,
        ),
        numbers(
            "Contact",
            [InfluxQuery(contact, alias="$tag_sensor")],
            unit="none",
            about="Faults of the signal by channel, separated by semicolons: electrodes, mains, clipping.",
            empty="no sensor has said anything today",
            mapping=STATES,
        ),
        numbers(
            "Battery",
            [InfluxQuery(battery, alias="$tag_sensor")],
            unit="percent",
            about="As the sensor tells it. Charge below 30 % before a night.",
            empty="no sensor has told its charge today",
            steps=((None, RED), (15, ORANGE), (30, GREEN)),
        ),
        numbers(
            "Radio link",
            [InfluxQuery(radio, alias="$tag_sensor")],
            unit="bool_yes_no",
            about="Whether the collector is connected to the sensor.",
            empty="no sensor was connected today",
            mapping=YES_NO,
        ),
    ]


def _signal() -> Panels:
    emg = f"""SELECT max("envelope") AS "envelope", mean("threshold") AS "threshold" FROM "features"
        WHERE {MINE} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(null)"""
    seen = f'SELECT "state" FROM "state" WHERE {MINE} AND $timeFilter GROUP BY "sensor"'
    return [
        lines(
            "EMG envelope against its threshold",
            [InfluxQuery(emg, alias="$tag_sensor channel $tag_channel $col")],
            unit=MICROVOLTS,
            about="Muscle activity begins where the envelope passes the dashed threshold. Gaps: no signal. "
            "In the sensor's own units where its scale is unknown.",
            empty="no signal in this span",
            dashed=r"/.* threshold$/",
        ).interval("100ms"),
        states(
            "State over time",
            [InfluxQuery(seen, alias="$tag_sensor")],
            about="Changes within the span; a state that began before it is in the number above.",
            empty="no change of state in this span",
            mapping=STATES,
        ),
    ]


def _conditions() -> Panels:
    warm = f"""SELECT mean("celsius") AS "temperature" FROM "temperature"
        WHERE {MINE} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    radio = f"""SELECT mean("rssi_dbm") AS "signal" FROM "link"
        WHERE {MINE} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    told = f"""SELECT "sensor", "severity", "code", "text" FROM "notice"
        WHERE {MINE} AND {_TODAY} ORDER BY time DESC LIMIT 20"""
    return [
        lines(
            "Skin temperature",
            [InfluxQuery(warm, alias="$tag_sensor")],
            unit="celsius",
            about="At the sensor. Sensors tell it every few seconds to a minute.",
            empty="no temperature in this span",
            span=12,
            joined=True,
        ).interval("2s"),
        lines(
            "Radio signal",
            [InfluxQuery(radio, alias="$tag_sensor")],
            unit="dBm",
            about="Below -85 dBm samples are lost for good when the sensor's memory is full.",
            empty="no radio link in this span",
            span=12,
            steps=((None, RED), (-85, ORANGE), (-75, GREEN)),
            joined=True,
        ).interval("10s"),
        rows(
            "Notices today",
            [InfluxQuery(told, shape="table")],
            about="What a person was told: the newest first.",
            empty="nothing was to be told today",
            height=6,
        ),
    ]
