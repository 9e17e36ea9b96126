"""What all dashboards share: variables for side, sensor and night, and links to the other dashboards."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.query import SOURCE

__all__ = ["IN_NIGHT", "OF_SENSOR", "build_dashboard"]

OF_SENSOR: Final = '"sensor" =~ /^$sensor$/'
"""Condition for the selected sensors."""
IN_NIGHT: Final = '"night" =~ /^$night$/'
"""Condition for the selected nights."""
_TAG: Final = "crampwatch"
_EVERY: Final = ".*"
_SIDES: Final = 'SHOW TAG VALUES FROM "sensor" WITH KEY = "side"'
_SENSORS: Final = 'SHOW TAG VALUES FROM "sensor" WITH KEY = "sensor" WHERE "side" =~ /^$side$/'
_NIGHTS: Final = 'SELECT DISTINCT("night") FROM "night" WHERE "sensor" =~ /^$sensor$/'
_ABOUT: Final = (
    "Not a medical device. EMG cannot prove that a contraction is involuntary: a cramp here is a likely cramp."
)


def build_dashboard(
    name: str,
    title: str,
    panels: Sequence[Builder[Panel]],
    *,
    since: str,
    refresh: str,
    with_nights: bool = False,
) -> Dashboard:
    """Return a dashboard with the variables and links that all have.

    Args:
        name: Last part of its address: ``/d/crampwatch-<name>``.
        title: Title shown to people.
        panels: From left to right and top to bottom.
        since: Start of the initial time span, such as ``now-12h``.
        refresh: How often it is refreshed; empty for never.
        with_nights: Whether a night can be selected.
    """
    dashboard = (
        Dashboard(title)
        .uid(f"crampwatch-{name}")
        .description(_ABOUT)
        .tags([_TAG])
        .time(since, "now")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .with_variable(_query_variable("side", "Side", _SIDES))
        .with_variable(_query_variable("sensor", "Sensor", _SENSORS))
        .link(_other_dashboards())
    )
    if with_nights:
        dashboard.with_variable(_query_variable("night", "Night", _NIGHTS, sort=VariableSort.ALPHABETICAL_DESC))
    for number, panel in enumerate(panels, start=1):
        dashboard.with_panel(_Numbered(panel, number))
    return dashboard


def _query_variable(
    name: str, label: str, query: str, *, sort: VariableSort = VariableSort.ALPHABETICAL_ASC
) -> QueryVariable:
    everything = VariableOption(selected=True, text="All", value="$__all")
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(sort)
        .multi(True)
        .include_all(True)
        .all_value(_EVERY)
        .current(everything)
    )


def _other_dashboards() -> DashboardLink:
    return (
        DashboardLink("crampwatch")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([_TAG])
        .as_dropdown(False)
        .include_vars(True)
        .keep_time(False)
    )


class _Numbered(Builder[Panel]):
    """A panel with its number, by which addresses and alerts refer to it."""

    def __init__(self, panel: Builder[Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> Panel:
        panel = self._panel.build()
        panel.id_val = self._number
        return panel
