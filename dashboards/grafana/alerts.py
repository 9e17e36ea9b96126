"""Alert rules: what should wake somebody up, or be seen in the morning."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from grafana.query import InfluxQuery

__all__ = ["RULES", "Rule", "rule_file"]

_EXPRESSION: Final = "__expr__"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that raises an alert.

    Attributes:
        uid: Identifies the rule in Grafana; it must never change.
        query: InfluxQL that returns one number for each series.
        span_s: How far back the query looks.
        is_above: Whether the alert fires above the limit; otherwise below it.
        pending: How long the condition must hold before the alert fires, in Grafana's notation.
        no_data: State of the rule if the query returns nothing.
        severity: Label that notification policies route by.
        advice: What to do, for a person.
    """

    uid: str
    title: str
    query: str
    span_s: int
    is_above: bool
    limit: float
    pending: str
    no_data: Literal["OK", "Alerting", "NoData"]
    severity: str
    advice: str


RULES: Final = (
    Rule(
        uid="crampwatch-sensor-silent",
        title="Sensor silent",
        query="""SELECT count("text") AS "told" FROM "notice"
            WHERE "code" = 'sensor_silent' AND $timeFilter GROUP BY "sensor\"""",
        span_s=600,
        is_above=True,
        limit=0,
        pending="0s",
        no_data="OK",
        severity="warning",
        advice="The sensor is out of reach while its session is running: check its battery, its place and the radio.",
    ),
    Rule(
        uid="crampwatch-battery",
        title="Sensor battery low",
        query="""SELECT last("percent") AS "percent" FROM "battery" WHERE $timeFilter GROUP BY "sensor\"""",
        span_s=3600,
        is_above=False,
        limit=15,
        pending="5m",
        no_data="OK",
        severity="info",
        advice="Charge the sensor before the next night.",
    ),
    Rule(
        uid="crampwatch-long-cramp",
        title="Contraction over 10 minutes",
        query="""SELECT count("text") AS "told" FROM "notice"
            WHERE "code" = 'long_cramp' AND $timeFilter GROUP BY "sensor\"""",
        span_s=900,
        is_above=True,
        limit=0,
        pending="0s",
        no_data="OK",
        severity="alarm",
        advice="If the contraction does not ease, seek medical advice. This is not a medical device.",
    ),
    Rule(
        uid="crampwatch-backlog",
        title="Messages wait for the database",
        query="""SELECT last("backlog") AS "backlog" FROM "status" WHERE "sensor" = '_store' AND $timeFilter""",
        span_s=900,
        is_above=True,
        limit=1000,
        pending="5m",
        no_data="Alerting",
        severity="warning",
        advice="Nothing is lost yet: the messages are on the store's disk. Check the store service and InfluxDB.",
    ),
)


def rule_file() -> dict[str, Any]:
    """Return all rules in the format of Grafana's provisioning."""
    group = {
        "orgId": 1,
        "name": "crampwatch",
        "folder": "crampwatch",
        "interval": "1m",
        "rules": [_provisioned_rule(rule) for rule in RULES],
    }
    return {"apiVersion": 1, "groups": [group]}


def _provisioned_rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [_query_step(rule), _reduce_step(rule), _threshold_step(rule)],
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "for": rule.pending,
        "annotations": {"summary": f"{rule.title}: {{{{ $labels.sensor }}}}", "description": rule.advice},
        "labels": {"app": "crampwatch", "severity": rule.severity},
        "isPaused": False,
    }


def _query_step(rule: Rule) -> dict[str, Any]:
    model = InfluxQuery(rule.query).to_json()
    model["datasource"] = {"type": "influxdb", "uid": model["datasource"].uid}
    return _rule_step(
        "A", model["datasource"]["uid"], model | {"intervalMs": 1000, "maxDataPoints": 43200}, rule.span_s
    )


def _reduce_step(rule: Rule) -> dict[str, Any]:
    model = {"refId": "B", "type": "reduce", "expression": "A", "reducer": "last", "settings": {"mode": "dropNN"}}
    return _rule_step("B", _EXPRESSION, model, rule.span_s)


def _threshold_step(rule: Rule) -> dict[str, Any]:
    evaluator = {"type": "gt" if rule.is_above else "lt", "params": [rule.limit]}
    model = {"refId": "C", "type": "threshold", "expression": "B", "conditions": [{"evaluator": evaluator}]}
    return _rule_step("C", _EXPRESSION, model, rule.span_s)


def _rule_step(ref: str, source: str, model: dict[str, Any], span_s: int) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": span_s, "to": 0},
        "datasourceUid": source,
        "model": model,
    }
