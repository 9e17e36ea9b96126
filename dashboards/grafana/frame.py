"""What all dashboards share: choices of side, sensor and night, and the way from one to the next."""

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

__all__ = ["MINE", "TONIGHT", "framed"]

MINE: Final = '"sensor" =~ /^$sensor$/'
"""Condition of the sensors chosen."""
TONIGHT: Final = '"night" =~ /^$night$/'
"""Condition of the nights chosen."""
_TAG: Final = "crampwatch"
_EVERY: Final = ".*"
_SIDES: Final = 'SHOW TAG VALUES FROM "sensor" WITH KEY = "side"'
_SENSORS: Final = 'SHOW TAG VALUES FROM "sensor" WITH KEY = "sensor" WHERE "side" =~ /^$side$/'
_NIGHTS: Final = 'SELECT DISTINCT("night") FROM "night" WHERE "sensor" =~ /^$sensor$/'
_ABOUT: Final = (
    "Not a medical device. EMG cannot prove that a contraction is involuntary: a cramp here is a likely one."
)


def framed(
    name: str,
    title: str,
    panels: Sequence[Builder[Panel]],
    *,
    since: str,
    refresh: str,
    with_nights: bool = False,
) -> Dashboard:
    """Return a dashboard with the choices and links of all.

    Args:
        name: Makes its address: ``/d/crampwatch-<name>``.
        title: For people.
        panels: From left to right and top to bottom.
        since: How far it looks back at first.
        refresh: How often it looks again; empty for never.
        with_nights: Whether a night can be chosen.
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
        .with_variable(_variable("side", "Side", _SIDES))
        .with_variable(_variable("sensor", "Sensor", _SENSORS))
        .link(_other_dashboards())
    )
    if with_nights:
        dashboard.with_variable(_variable("night", "Night", _NIGHTS, sort=VariableSort.ALPHABETICAL_DESC))
    for number, panel in enumerate(panels, start=1):
        dashboard.with_panel(_Numbered(panel, number))
    return dashboard


def _variable(
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
    """A panel with the number that addresses and alerts know it by."""

    def __init__(self, panel: Builder[Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> Panel:
        panel = self._panel.build()
        panel.id_val = self._number
        return panel
