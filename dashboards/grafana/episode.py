"""Episode: the waveform itself, its spectrum, and the reasons of the detector."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.frame import OF_SENSOR, build_dashboard
from grafana.night import episode_annotations, episode_table
from grafana.panels import MICROVOLTS, heatmap_panel, line_panel
from grafana.query import InfluxQuery

__all__ = ["CHANNELS", "episode_dashboard"]

CHANNELS = 4
"""Nobody wears more electrodes than these on a foot."""
Panels = list[Builder[models.Panel]]


def episode_dashboard() -> Dashboard:
    """Return the dashboard of a single episode."""
    panels = [episode_table(), _waveform_panel(), _spectrum_panel(), *_feature_panels()]
    dashboard = build_dashboard("episode", "crampwatch: episode", panels, since="now-15m", refresh="", with_nights=True)
    for annotation in episode_annotations():
        dashboard.annotation(annotation)
    return dashboard


def _waveform_panel() -> Builder[models.Panel]:
    columns = ", ".join(
        f'max("ch{n}") AS "channel {n} high", min("ch{n}") AS "channel {n} low"' for n in range(CHANNELS)
    )
    query = f"""SELECT {columns} FROM "emg" WHERE {OF_SENSOR} AND $timeFilter
        GROUP BY time($__interval), "sensor" fill(none)"""
    return line_panel(
        "Raw EMG",
        [InfluxQuery(query, alias="$tag_sensor $col")],
        unit=MICROVOLTS,
        about="Stored from 5 s before each episode to 10 s after; the complete night is in the session file. Zoomed "
        "out, the highest and lowest sample of each pixel; zoom in to see single samples.",
        empty="no episode in this span, so no raw signal was stored",
    ).interval("1ms")


def _spectrum_panel() -> Builder[models.Panel]:
    query = f"""SELECT mean(/^hz_/) FROM "spectrum" WHERE {OF_SENSOR} AND "channel" = '0' AND $timeFilter
        GROUP BY time($__interval) fill(none)"""
    return heatmap_panel(
        "Spectrum of channel 0",
        [InfluxQuery(query, alias="$col")],
        unit=MICROVOLTS,
        about="RMS in each band, named by its lower edge in Hz. A tiring muscle moves to lower frequencies. With "
        "several sensors selected this is their mean: select one.",
        empty="no episode in this span, so no spectrum was stored",
    ).interval("500ms")


def _feature_panels() -> Panels:
    emg = f"""SELECT max("envelope") AS "envelope", mean("threshold") AS "threshold", mean("floor") AS "floor"
        FROM "features" WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(null)"""
    middle = f"""SELECT mean("median_hz") AS "median" FROM "features"
        WHERE {OF_SENSOR} AND $timeFilter GROUP BY time($__interval), "sensor", "channel" fill(null)"""
    return [
        line_panel(
            "Envelope, threshold and floor",
            [InfluxQuery(emg, alias="$tag_sensor channel $tag_channel $col")],
            unit=MICROVOLTS,
            about="Values that the detector works with, ten a second.",
            empty="no signal in this span",
            span=12,
            dashed=r"/.* threshold$/",
        ).interval("100ms"),
        line_panel(
            "Median frequency",
            [InfluxQuery(middle, alias="$tag_sensor channel $tag_channel")],
            unit="hertz",
            about="Measured while the muscle is active. It falls as a muscle tires.",
            empty="no activity in this span",
            span=12,
        ).interval("100ms"),
    ]
