"""Live: the present state of the feet."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import OF_SENSOR, build_dashboard
from grafana.panels import (
    GREEN,
    MICROVOLTS,
    ORANGE,
    RED,
    STATES,
    YES_NO,
    line_panel,
    number_panel,
    state_panel,
    table_panel,
)
from grafana.query import InfluxQuery

__all__ = ["live_dashboard"]

_TODAY = "time > now() - 1d"
Panels = list[Builder[models.Panel]]


def live_dashboard() -> Dashboard:
    """Return the dashboard for the bedside."""
    panels = [*_present_panels(), *_signal_panels(), *_condition_panels()]
    return build_dashboard("live", "crampwatch: live", panels, since="now-5m", refresh="5s")


def _present_panels() -> Panels:
    state = f'SELECT last("state") AS "state" FROM "state" WHERE {OF_SENSOR} AND {_TODAY} GROUP BY "sensor"'
    contact = f'SELECT last("quality") AS "contact" FROM "state" WHERE {OF_SENSOR} AND {_TODAY} GROUP BY "sensor"'
    battery = f'SELECT last("percent") AS "battery" FROM "battery" WHERE {OF_SENSOR} AND {_TODAY} GROUP BY "sensor"'
    radio = f'SELECT last("connected") AS "connected" FROM "link" WHERE {OF_SENSOR} AND {_TODAY} GROUP BY "sensor"'
    return [
        number_panel(
            "State",
            [InfluxQuery(state, alias="$tag_sensor")],
            unit="none",
            about="Present state of each foot, by the detector. A likely cramp is likely involuntary, not certain.",
            empty="no state of any sensor today",
            mapping=STATES,
        ),
        number_panel(
            "Contact",
            [InfluxQuery(contact, alias="$tag_sensor")],
            unit="none",
            about="Signal faults of each channel, separated by semicolons: electrodes, mains, clipping.",
            empty="no state of any sensor today",
            mapping=STATES,
        ),
        number_panel(
            "Battery",
            [InfluxQuery(battery, alias="$tag_sensor")],
            unit="percent",
            about="As reported by the sensor. Below 30 %, charge it before the night.",
            empty="no sensor has reported its battery today",
            steps=((None, RED), (15, ORANGE), (30, GREEN)),
        ),
        number_panel(
            "Radio link",
            [InfluxQuery(radio, alias="$tag_sensor")],
            unit="bool_yes_no",
            about="Whether the collector is connected to the sensor.",
            empty="no sensor was connected today",
            mapping=YES_NO,
        ),
    ]


def _signal_panels() -> Panels:
    emg = f"""SELECT max("envelope") AS "envelope", mean("threshold") AS "threshold" FROM "features"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(null)"""
    state = f'SELECT "state" FROM "state" WHERE {OF_SENSOR} AND $timeFilter GROUP BY "sensor"'
    return [
        line_panel(
            "EMG envelope against its threshold",
            [InfluxQuery(emg, alias="$tag_sensor channel $tag_channel $col")],
            unit=MICROVOLTS,
            about="Muscle activity starts where the envelope exceeds the dashed threshold. Gaps: no signal. "
            "In the sensor's own units if its scale is unknown.",
            empty="no signal in this span",
            dashed=r"/.* threshold$/",
        ).interval("100ms"),
        state_panel(
            "State over time",
            [InfluxQuery(state, alias="$tag_sensor")],
            about="Changes within this span; a state that started earlier is shown in the panel above.",
            empty="no change of state in this span",
            mapping=STATES,
        ),
    ]


def _condition_panels() -> Panels:
    warm = f"""SELECT mean("celsius") AS "temperature" FROM "temperature"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    radio = f"""SELECT mean("rssi_dbm") AS "signal" FROM "link"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor" fill(none)"""
    notices = f"""SELECT "sensor", "severity", "code", "text" FROM "notice"
        WHERE {OF_SENSOR} AND {_TODAY} ORDER BY time DESC LIMIT 20"""
    return [
        line_panel(
            "Skin temperature",
            [InfluxQuery(warm, alias="$tag_sensor")],
            unit="celsius",
            about="At the sensor, which reports it every few seconds to a minute.",
            empty="no temperature in this span",
            span=12,
            joined=True,
        ).interval("2s"),
        line_panel(
            "Radio signal",
            [InfluxQuery(radio, alias="$tag_sensor")],
            unit="dBm",
            about="Below -85 dBm samples get delayed; they are lost when the sensor's memory is full.",
            empty="no radio link in this span",
            span=12,
            steps=((None, RED), (-85, ORANGE), (-75, GREEN)),
            joined=True,
        ).interval("10s"),
        table_panel(
            "Notices today",
            [InfluxQuery(notices, shape="table")],
            about="Notices to a person, newest first.",
            empty="no notices today",
            height=6,
        ),
    ]
