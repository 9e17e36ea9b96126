"""The kinds of panels that the dashboards use, each with a unit, thresholds, and a text for when there is no data."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, ValueMap, ValueMappingResult

from grafana.query import SOURCE, InfluxQuery

__all__ = [
    "GREEN",
    "MICROVOLTS",
    "ORANGE",
    "RED",
    "STATES",
    "YES_NO",
    "Steps",
    "heatmap_panel",
    "hidden_column",
    "line_panel",
    "link_properties",
    "number_panel",
    "state_panel",
    "table_panel",
    "unit_properties",
]

MICROVOLTS: Final = "suffix: µV"
GREEN, ORANGE, RED, GREY = "green", "orange", "red", "#8e8e8e"
Steps = Sequence[tuple[float | None, str]]
Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, heatmap.Panel)

STATES: Final = ValueMap(
    {
        "rest": ValueMappingResult(text="rest", color=GREEN, index=0),
        "active": ValueMappingResult(text="active", color="blue", index=1),
        "cramp": ValueMappingResult(text="likely cramp", color=RED, index=2),
        "poor_signal": ValueMappingResult(text="poor signal", color=ORANGE, index=3),
        "off_body": ValueMappingResult(text="off body", color=GREY, index=4),
        "no_data": ValueMappingResult(text="no data", color=GREY, index=5),
        "good": ValueMappingResult(text="good contact", color=GREEN, index=6),
    }
)
YES_NO: Final = ValueMap(
    {
        "true": ValueMappingResult(text="yes", color=GREEN, index=0),
        "false": ValueMappingResult(text="no", color=RED, index=1),
    }
)


def line_panel(
    title: str,
    queries: Sequence[InfluxQuery],
    *,
    unit: str,
    about: str,
    empty: str,
    span: int = 24,
    steps: Steps = ((None, GREEN),),
    dashed: str = "",
    joined: bool = False,
    bars: bool = False,
) -> timeseries.Panel:
    """Return a panel of lines over time; gaps are shown as gaps unless the values are `joined`.

    Args:
        title: Title of the panel.
        queries: One or more queries whose series are drawn.
        unit: Grafana's name of the unit.
        about: Description shown to people.
        empty: Text shown if there is no data.
        span: Width in columns of 24.
        steps: Lower bounds and colours of the thresholds.
        dashed: Regular expression for the series that are drawn as thresholds.
        joined: Draw lines between values however far apart they are.
        bars: Draw bars instead of lines.
    """
    panel = _configure(timeseries.Panel(), title, queries, unit=unit, about=about, empty=empty, span=span, steps=steps)
    panel = panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
    )
    panel = panel.tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    panel = panel.span_nulls(joined).line_width(1).fill_opacity(60 if bars else 0)
    panel = panel.show_points(kinds.VisibilityMode.AUTO)
    panel = panel.draw_style(kinds.GraphDrawStyle.BARS if bars else kinds.GraphDrawStyle.LINE)
    if dashed:
        style = {"fill": "dash", "dash": [10, 6]}
        properties = [DynamicConfigValue("custom.lineStyle", style), DynamicConfigValue("color", _fixed_color(RED))]
        panel = panel.override_by_regexp(dashed, properties)
    return panel


def number_panel(
    title: str,
    queries: Sequence[InfluxQuery],
    *,
    unit: str,
    about: str,
    empty: str,
    span: int = 6,
    steps: Steps = ((None, GREEN),),
    mapping: ValueMap | None = None,
) -> stat.Panel:
    """Return a panel with the newest value of each series in large letters; texts need a `mapping`."""
    panel = _configure(
        stat.Panel(), title, queries, unit=unit, about=about, empty=empty, span=span, steps=steps, height=5
    )
    fields = "" if mapping is None else "/^(?!Time$).*/"  # Grafana shows only numbers unless fields are named
    panel = panel.reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(fields))
    panel = panel.graph_mode(kinds.BigValueGraphMode.NONE).text_mode(kinds.BigValueTextMode.VALUE_AND_NAME)
    return panel if mapping is None else panel.mappings([mapping])


def state_panel(
    title: str,
    queries: Sequence[InfluxQuery],
    *,
    about: str,
    empty: str,
    mapping: ValueMap,
    span: int = 24,
    height: int = 5,
) -> statetimeline.Panel:
    """Return a panel of states over time."""
    panel = _configure(
        statetimeline.Panel(), title, queries, unit="none", about=about, empty=empty, span=span, height=height
    )
    panel = panel.show_value(kinds.VisibilityMode.AUTO).merge_values(True).fill_opacity(70).mappings([mapping])
    return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


def table_panel(
    title: str, queries: Sequence[InfluxQuery], *, about: str, empty: str, span: int = 24, height: int = 8
) -> table.Panel:
    """Return a table; units and links are set by overrides."""
    return _configure(table.Panel(), title, queries, unit="none", about=about, empty=empty, span=span, height=height)


def heatmap_panel(title: str, queries: Sequence[InfluxQuery], *, unit: str, about: str, empty: str) -> heatmap.Panel:
    """Return a heatmap whose rows are the series, lowest first."""
    panel = _configure(heatmap.Panel(), title, queries, unit=unit, about=about, empty=empty, span=24)
    color = heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Turbo").steps(64)
    return panel.calculate(False).color(color.exponent(0.5).fill("dark-orange"))


def unit_properties(unit: str, decimals: int | None = None) -> list[DynamicConfigValue]:
    """Return the properties that give a column its unit."""
    properties = [DynamicConfigValue("unit", unit)]
    return properties if decimals is None else [*properties, DynamicConfigValue("decimals", decimals)]


def hidden_column() -> list[DynamicConfigValue]:
    """Return the properties of a column that is not shown and only used by links."""
    return [DynamicConfigValue("custom.hidden", True)]


def link_properties(title: str, url: str) -> list[DynamicConfigValue]:
    """Return the properties that make a column's values links."""
    return [DynamicConfigValue("links", [{"title": title, "url": url, "targetBlank": False}])]


def _fixed_color(color: str) -> dict[str, Any]:
    return {"mode": "fixed", "fixedColor": color}


def _configure(
    panel: Panel,
    title: str,
    queries: Sequence[InfluxQuery],
    *,
    unit: str,
    about: str,
    empty: str,
    span: int,
    steps: Steps = ((None, GREEN),),
    height: int = 8,
) -> Panel:
    thresholds = [models.Threshold(value=value, color=color) for value, color in steps]
    panel.title(title).description(about).datasource(SOURCE).span(span).height(height)
    panel.unit(unit).no_value(empty)
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds))
    for query in queries:
        panel.with_target(query)
    return panel
