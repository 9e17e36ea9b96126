"""Generates the dashboards and alert rules: ``python -m grafana.regenerate`` with ``dashboards`` on the path."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.alerts import rule_file
from grafana.episode import episode_dashboard
from grafana.fleet import fleet_dashboard
from grafana.live import live_dashboard
from grafana.night import night_dashboard
from grafana.trends import trends_dashboard

__all__ = ["generate", "main"]

_FOLDER: Final = Path(__file__).parent
_DASHBOARDS: Final = {
    "live": live_dashboard,
    "night": night_dashboard,
    "episode": episode_dashboard,
    "trends": trends_dashboard,
    "fleet": fleet_dashboard,
}
_HEAD: Final = "# Written by `python -m grafana.regenerate` from dashboards/grafana/alerts.py: change it there.\n"


def generate() -> dict[str, str]:
    """Return the content of each generated file, by its path in this folder."""
    files = {f"json/crampwatch-{name}.json": _format_json(make().build()) for name, make in _DASHBOARDS.items()}
    return files | {"provisioning/alerting/rules.yaml": _HEAD + "".join(_format_yaml(rule_file(), 0))}


def main() -> None:
    """Write all files; a test compares them with what the code generates."""
    for name, text in generate().items():
        (_FOLDER / name).write_text(text, "utf-8")


def _format_json(dashboard: object) -> str:
    return json.dumps(json.loads(json.dumps(dashboard, cls=JSONEncoder)), indent=2, sort_keys=True) + "\n"


def _format_yaml(value: Any, depth: int) -> Iterator[str]:
    """Yield the lines of a block of YAML; scalars are written as JSON, which is valid YAML."""
    indent = "  " * depth
    items = value.items() if isinstance(value, dict) else ((None, one) for one in value)
    for key, one in items:
        head = f"{indent}-" if key is None else f"{indent}{key}:"
        if isinstance(one, (dict, list)) and one:
            yield f"{head}\n"
            yield from _format_yaml(one, depth + 1)
        else:
            yield f"{head} {json.dumps(one, ensure_ascii=False)}\n"


if __name__ == "__main__":
    main()
