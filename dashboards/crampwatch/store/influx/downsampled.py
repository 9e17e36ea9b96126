"""The downsampled tiers in InfluxDB: written by us, since version 3 knows neither continuous queries nor tasks."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

import numpy as np
from crampwatch.protocol.messages import Features
from crampwatch.store.influx.client import InfluxClient, Row, quoted, within
from crampwatch.store.influx.line_protocol import line
from crampwatch.store.model.downsampling import TIERS_NS, TierRows, runs, tier_name, tier_rows, touched
from crampwatch.store.model.points import Value
from crampwatch.store.model.series import FIELDS, PEAKS, Series

__all__ = ["read_tier", "refresh_tiers", "series_of"]

_NAMES: Final = FIELDS["features"]
_FINE_NS, _COARSE_NS = TIERS_NS
_MARGIN_NS: Final = 10_000_000
"""Times of steps are rounded by up to half of this."""


def refresh_tiers(client: InfluxClient, written: Iterable[Features]) -> None:
    """Make the spans of all tiers anew that these messages fall into; they must be in the database already."""
    by_sensor = sorted(written, key=lambda message: message.sensor)
    for sensor, group in groupby(by_sensor, key=lambda message: message.sensor):
        messages = list(group)
        spans_ns = [_span_of(message) for message in messages]
        lines: list[str] = []
        for since_ns, until_ns in runs(touched(spans_ns, _FINE_NS), _FINE_NS):
            lines += _fine_lines(client, sensor, (since_ns, until_ns), messages[-1].step_s)
        client.send(lines)
        lines = []
        for since_ns, until_ns in runs(touched(spans_ns, _COARSE_NS), _COARSE_NS):
            lines += _coarse_lines(client, sensor, (since_ns, until_ns))
        client.send(lines)


def read_tier(client: InfluxClient, sensor: str, span_ns: int, within_ns: tuple[int, int]) -> TierRows:
    """Return the rows of a tier of features that begin within ``since <= t < until``."""
    columns = ", ".join((*_NAMES, "steps"))
    measurement = tier_name("features", span_ns)
    where = f"sensor = {quoted(sensor)} AND {within(*within_ns)}"
    rows = client.query(f'SELECT {columns} FROM "{measurement}" WHERE {where} GROUP BY channel')  # noqa: S608 - quoted
    series = series_of(rows, (*_NAMES, "steps"))
    return TierRows(
        Series(series.t_ns, {name: series.values[name] for name in _NAMES}), np.nan_to_num(series.values["steps"])
    )


def series_of(rows: list[Row], names: tuple[str, ...]) -> Series:
    """Return rows of several channels as a series."""
    t_ns = np.array(sorted({row["time"] for row in rows}), dtype=np.int64)
    channels = 1 + max((int(row.get("channel") or 0) for row in rows), default=0)
    values = {name: np.full((len(t_ns), channels), np.nan) for name in names}
    places = np.searchsorted(t_ns, [row["time"] for row in rows])
    for place, row in zip(places, rows, strict=True):
        for name in names:
            if row[name] is not None:
                values[name][place, int(row.get("channel") or 0)] = row[name]
    return Series(t_ns, values)


def _span_of(message: Features) -> tuple[int, int]:
    steps = max((len(channel.rms) for channel in message.channels), default=0)
    return message.t_ns - _MARGIN_NS, message.t_ns + round(steps * message.step_s * 1e9) + _MARGIN_NS


def _fine_lines(client: InfluxClient, sensor: str, within_ns: tuple[int, int], step_s: float) -> list[str]:
    columns = ", ".join(f"{'max' if name in PEAKS else 'mean'}({name}) AS {name}" for name in _NAMES)
    rows = client.query(
        f"SELECT {columns}, count(rms) AS steps FROM features "  # noqa: S608 - quoted
        f"WHERE sensor = {quoted(sensor)} AND {within(*within_ns)} "
        f"GROUP BY time({_FINE_NS}ns), origin, channel fill(none)"
    )
    return [_line(sensor, row, _FINE_NS, step_s) for row in rows]


def _line(sensor: str, row: Row, span_ns: int, step_s: float) -> str:
    steps = int(row["steps"] or 0)
    fields: dict[str, Value] = {name: float(row[name]) for name in _NAMES if row[name] is not None}
    tags = {"sensor": sensor, "origin": row["origin"], "channel": row["channel"]}
    fields |= {"steps": steps, "covered_s": steps * step_s}
    return line(tier_name("features", span_ns), tags, fields, row["time"])


def _coarse_lines(client: InfluxClient, sensor: str, within_ns: tuple[int, int]) -> list[str]:
    columns = ", ".join((*_NAMES, "steps", "covered_s"))
    where = f"sensor = {quoted(sensor)} AND {within(*within_ns)}"
    measurement = tier_name("features", _FINE_NS)
    rows = client.query(f'SELECT {columns} FROM "{measurement}" WHERE {where} GROUP BY origin, channel')  # noqa: S608 - quoted

    def key(row: Row) -> tuple[str, str]:
        return row["origin"], row["channel"]

    lines: list[str] = []
    for (origin, channel), group in groupby(sorted(rows, key=key), key=key):
        lines += _coarse_lines_of({"sensor": sensor, "origin": origin, "channel": channel}, list(group))
    return lines


def _coarse_lines_of(tags: dict[str, str], rows: list[Row]) -> list[str]:
    series = series_of([row | {"channel": 0} for row in rows], (*_NAMES, "steps", "covered_s"))
    counts = np.nan_to_num(series.values["steps"])
    coarse = tier_rows(Series(series.t_ns, {name: series.values[name] for name in _NAMES}), _COARSE_NS, counts=counts)
    step_s = series.values["covered_s"].sum() / max(1.0, counts.sum())
    lines = []
    for place, begin_ns in enumerate(coarse.series.t_ns.tolist()):
        steps = int(coarse.counts[place, 0])
        fields: dict[str, Value] = {name: float(coarse.series.values[name][place, 0]) for name in _NAMES}
        fields |= {"steps": steps, "covered_s": round(float(steps * step_s), 6)}
        lines.append(line(tier_name("features", _COARSE_NS), tags, fields, begin_ns))
    return lines
