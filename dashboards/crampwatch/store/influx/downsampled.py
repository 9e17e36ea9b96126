"""The downsampled tiers in InfluxDB, measurements ``features_10s`` and ``features_10m``.

They are computed by crampwatch, not by the database: version 3 has neither continuous queries nor tasks, and those of
versions 1 and 2 would miss what is written hours later, when a gap is filled.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

import numpy as np
from crampwatch.protocol.messages import Features
from crampwatch.store.influx.client import InfluxClient, Row, quote, time_condition
from crampwatch.store.influx.line_protocol import format_point
from crampwatch.store.model.downsampling import (
    TIERS_NS,
    TierRows,
    contiguous_runs,
    downsample,
    tier_name,
    touched_spans,
)
from crampwatch.store.model.points import Value
from crampwatch.store.model.series import FIELDS, PEAKS, Series

__all__ = ["read_tier", "refresh_tiers", "series_from_rows"]

_NAMES: Final = FIELDS["features"]
_FINE_NS, _COARSE_NS = TIERS_NS
_ROUNDING_NS: Final = 10_000_000
"""Stored times of steps are rounded to this grid, so that a step may be stored half of it before or after its time."""


def refresh_tiers(client: InfluxClient, written: Iterable[Features]) -> None:
    """Recompute the spans of all tiers that these messages touch; the messages must be in the database already."""
    by_sensor = sorted(written, key=lambda message: message.sensor)
    for sensor, group in groupby(by_sensor, key=lambda message: message.sensor):
        messages = list(group)
        intervals_ns = [_interval_of(message) for message in messages]
        lines: list[str] = []
        for since_ns, until_ns in contiguous_runs(touched_spans(intervals_ns, _FINE_NS), _FINE_NS):
            lines += _fine_lines(client, sensor, (since_ns, until_ns), messages[-1].step_s)
        client.write_points(lines)  # before the coarse tier, which is made from what is in the database
        lines = []
        for since_ns, until_ns in contiguous_runs(touched_spans(intervals_ns, _COARSE_NS), _COARSE_NS):
            lines += _coarse_lines(client, sensor, (since_ns, until_ns))
        client.write_points(lines)


def read_tier(client: InfluxClient, sensor: str, span_ns: int, within_ns: tuple[int, int]) -> TierRows:
    """Return the rows of a tier of features whose spans start within ``since <= t < until``."""
    columns = ", ".join((*_NAMES, "steps"))
    measurement = tier_name("features", span_ns)
    where = f"sensor = {quote(sensor)} AND {time_condition(*within_ns)}"
    rows = client.query(f'SELECT {columns} FROM "{measurement}" WHERE {where} GROUP BY channel')  # noqa: S608 - quoted
    series = series_from_rows(rows, (*_NAMES, "steps"))
    return TierRows(
        Series(series.t_ns, {name: series.values[name] for name in _NAMES}), np.nan_to_num(series.values["steps"])
    )


def series_from_rows(rows: list[Row], names: tuple[str, ...]) -> Series:
    """Return rows with the columns ``time``, ``channel`` and `names` as a series of all channels."""
    t_ns = np.array(sorted({row["time"] for row in rows}), dtype=np.int64)
    channels = 1 + max((int(row.get("channel") or 0) for row in rows), default=0)
    values = {name: np.full((len(t_ns), channels), np.nan) for name in names}
    places = np.searchsorted(t_ns, [row["time"] for row in rows])
    for place, row in zip(places, rows, strict=True):
        for name in names:
            if row[name] is not None:
                values[name][place, int(row.get("channel") or 0)] = row[name]
    return Series(t_ns, values)


def _interval_of(message: Features) -> tuple[int, int]:
    steps = max((len(channel.rms) for channel in message.channels), default=0)
    return message.t_ns - _ROUNDING_NS, message.t_ns + round(steps * message.step_s * 1e9) + _ROUNDING_NS


def _fine_lines(client: InfluxClient, sensor: str, within_ns: tuple[int, int], step_s: float) -> list[str]:
    columns = ", ".join(f"{'max' if name in PEAKS else 'mean'}({name}) AS {name}" for name in _NAMES)
    rows = client.query(
        f"SELECT {columns}, count(rms) AS steps FROM features "  # noqa: S608 - quoted
        f"WHERE sensor = {quote(sensor)} AND {time_condition(*within_ns)} "
        f"GROUP BY time({_FINE_NS}ns), origin, channel fill(none)"
    )
    return [_fine_line(sensor, row, step_s) for row in rows]


def _fine_line(sensor: str, row: Row, step_s: float) -> str:
    steps = int(row["steps"] or 0)
    fields: dict[str, Value] = {name: float(row[name]) for name in _NAMES if row[name] is not None}
    tags = {"sensor": sensor, "origin": row["origin"], "channel": row["channel"]}
    fields |= {"steps": steps, "covered_s": steps * step_s}
    return format_point(tier_name("features", _FINE_NS), tags, fields, row["time"])


def _coarse_lines(client: InfluxClient, sensor: str, within_ns: tuple[int, int]) -> list[str]:
    columns = ", ".join((*_NAMES, "steps", "covered_s"))
    where = f"sensor = {quote(sensor)} AND {time_condition(*within_ns)}"
    measurement = tier_name("features", _FINE_NS)
    rows = client.query(f'SELECT {columns} FROM "{measurement}" WHERE {where} GROUP BY origin, channel')  # noqa: S608 - quoted

    def key(row: Row) -> tuple[str, str]:
        return row["origin"], row["channel"]

    lines: list[str] = []
    for (origin, channel), group in groupby(sorted(rows, key=key), key=key):
        lines += _coarse_lines_of_channel({"sensor": sensor, "origin": origin, "channel": channel}, list(group))
    return lines


def _coarse_lines_of_channel(tags: dict[str, str], rows: list[Row]) -> list[str]:
    # One channel at a time, since each has an origin of its own; within the series it is number 0.
    series = series_from_rows([row | {"channel": 0} for row in rows], (*_NAMES, "steps", "covered_s"))
    counts = np.nan_to_num(series.values["steps"])
    coarse = downsample(Series(series.t_ns, {name: series.values[name] for name in _NAMES}), _COARSE_NS, counts=counts)
    step_s = series.values["covered_s"].sum() / max(1.0, counts.sum())
    lines = []
    for place, start_ns in enumerate(coarse.series.t_ns.tolist()):
        steps = int(coarse.counts[place, 0])
        fields: dict[str, Value] = {name: float(coarse.series.values[name][place, 0]) for name in _NAMES}
        fields |= {"steps": steps, "covered_s": round(float(steps * step_s), 6)}
        lines.append(format_point(tier_name("features", _COARSE_NS), tags, fields, start_ns))
    return lines
