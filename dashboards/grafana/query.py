"""InfluxQL queries in the format of Grafana's InfluxDB data source, which the SDK does not include."""

from typing import Any, Final, Literal, Self

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import dashboard

__all__ = ["SOURCE", "EpisodeAnnotations", "InfluxQuery"]

SOURCE: Final = dashboard.DataSourceRef(type_val="influxdb", uid="crampwatch")


class InfluxQuery(builder.Builder[variants.Dataquery], variants.Dataquery):
    """One raw InfluxQL query of a panel or an alert; its own builder, as the SDK requires builders.

    Args:
        query: InfluxQL with Grafana's macros and variables.
        ref: Identifies the query within its panel.
        alias: Template for the names of the series, with ``$tag_...`` and ``$col``.
        shape: Whether the rows are returned as series over time or as a table.
    """

    def __init__(
        self, query: str, *, ref: str = "A", alias: str = "", shape: Literal["time_series", "table"] = "time_series"
    ) -> None:
        self.query = query
        self.ref = ref
        self.alias = alias
        self.shape = shape

    def build(self) -> Self:
        """Return itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the query as it is written in the panel."""
        fields = {
            "refId": self.ref,
            "datasource": SOURCE,
            "query": " ".join(self.query.split()),
            "rawQuery": True,
            "resultFormat": self.shape,
        }
        return fields | ({"alias": self.alias} if self.alias else {})


class EpisodeAnnotations(builder.Builder[dashboard.AnnotationQuery], dashboard.AnnotationQuery):
    """Episodes marked in the panels of a dashboard, from onset to end.

    Args:
        name: Label of the switch that shows or hides them.
        color: Colour of the marks.
        query: InfluxQL with the columns ``text``, ``kind`` and ``end`` (ms).
    """

    def __init__(self, name: str, color: str, query: str) -> None:
        super().__init__(name=name, datasource=SOURCE, enable=True, icon_color=color)
        self.query = query

    def build(self) -> Self:
        """Return itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the annotation as the InfluxDB data source reads it."""
        columns = {"textColumn": "text", "tagsColumn": "kind", "timeEndColumn": "end", "titleColumn": ""}
        return super().to_json() | {"query": " ".join(self.query.split()), "rawQuery": True} | columns
