"""The checked-in dashboards, rules and provisioning: what the code writes, and what Grafana 10 to 13 can load."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it comes with pre-commit, its types do not
from grafana.regenerate import generate

FOLDER = Path(__file__).parents[3] / "dashboards" / "grafana"
DASHBOARDS = sorted((FOLDER / "json").glob("*.json"))
IN_EVERY_VERSION = {"timeseries", "stat", "table", "state-timeline", "heatmap"}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            yield f"{path.stem}: {panel['title']}", panel


def provisioned(name: str) -> Any:
    return yaml.safe_load((FOLDER / "provisioning" / name).read_text("utf-8"))


def test_the_checked_in_files_are_what_the_code_writes() -> None:
    for name, text in generate().items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name} is stale: python -m grafana.regenerate"
    assert {f"json/{path.name}" for path in DASHBOARDS} == {name for name in generate() if name.startswith("json/")}


@pytest.mark.parametrize(("place", "panel"), list(panels()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_panel_has_a_unit_words_for_no_data_and_a_description(place: str, panel: dict[str, Any]) -> None:
    assert panel["type"] in IN_EVERY_VERSION, place
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"]
    assert len(panel["description"]) > 15
    assert panel["datasource"] == {"type": "influxdb", "uid": "crampwatch"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_fits_the_grid_and_its_links_lead_somewhere(path: Path) -> None:
    dashboard = json.loads(path.read_text("utf-8"))
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    assert dashboard["uid"] == path.stem
    known = {one.stem for one in DASHBOARDS}
    assert set(re.findall(r"/d/([\w-]+)/", path.read_text("utf-8"))) <= known
    assert [variable["name"] for variable in dashboard["templating"]["list"]][:2] == ["side", "sensor"]
    assert dashboard["schemaVersion"] <= 39, "later versions migrate older dashboards, not the other way round"


def test_what_is_provisioned_fits_together() -> None:
    (source,) = provisioned("datasources/crampwatch.yaml")["datasources"]
    assert (source["uid"], source["type"], source["jsonData"]["version"]) == ("crampwatch", "influxdb", "InfluxQL")
    assert "$__file{" in source["secureJsonData"]["httpHeaderValue1"], "the token is not in git"
    (provider,) = provisioned("dashboards/crampwatch.yaml")["providers"]
    (group,) = provisioned("alerting/rules.yaml")["groups"]
    assert provider["folder"] == group["folder"]
    for rule in group["rules"]:
        assert [step["refId"] for step in rule["data"]] == ["A", "B", "C"]
        assert rule["condition"] == "C"
        assert rule["data"][0]["datasourceUid"] == source["uid"]
        assert set(rule["annotations"]) == {"summary", "description"}
    points = provisioned("alerting/contact-points.yaml.example")
    assert {policy["receiver"] for policy in points["policies"]} == {point["name"] for point in points["contactPoints"]}
