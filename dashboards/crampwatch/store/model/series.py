"""Values over time, thinned for drawing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELDS", "PEAKS", "Series", "aggregate_by_span", "thin_out"]

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "features": ("rms", "envelope", "floor", "threshold", "median_hz"),
    "temperature": ("celsius",),
    "battery": ("percent",),
    "link": (
        "rssi_dbm",
        "received_samples",
        "lost_samples",
        "backfilled_samples",
        "broken_frames",
        "reconnects",
    ),
}
"""The fields of each measurement that can be drawn."""
PEAKS: Final = frozenset({"envelope", *FIELDS["link"][1:]})
"""Fields thinned by their greatest value: a short contraction must not vanish in a mean, and the mean of a counter is
no count. All others are thinned by their mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one measurement of one sensor.

    Attributes:
        t_ns: UTC, ascending, int64, shape (n,). Of a thinned series the start of each of equal spans, empty ones
            included.
        values: By field: float64, shape (n, channels). NaN is a gap, and is to be drawn as one.
    """

    t_ns: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.t_ns)


def thin_out(
    series: Series, *, since_ns: int, until_ns: int, max_points: int, counts: NDArray[np.float64] | None = None
) -> Series:
    """Return at most `max_points` points: the series itself if it has no more, else one for each equal span.

    Args:
        series: Ascending.
        since_ns: Start of the first span.
        until_ns: End of the last span.
        max_points: Limit of the number of spans.
        counts: How many values each row was made of, shape (n, channels), if it was made of several. Such a series is
            always returned in equal spans.
    """
    if counts is None and len(series) <= max_points:
        return series
    span_ns = max(1, -(-(until_ns - since_ns) // max_points))
    span_numbers = (series.t_ns - since_ns) // span_ns
    starts_ns = since_ns + np.arange(-(-(until_ns - since_ns) // span_ns), dtype=np.int64) * span_ns
    return Series(starts_ns, aggregate_by_span(series.values, span_numbers, len(starts_ns), counts=counts))


def aggregate_by_span(
    values: dict[str, NDArray[np.float64]],
    span_numbers: NDArray[np.int64],
    spans: int,
    *,
    counts: NDArray[np.float64] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return for each span the greatest value of peaks and the mean of other fields; NaN for spans without values.

    Args:
        values: By field, shape (n, channels).
        span_numbers: Which span each row belongs to, ascending, shape (n,).
        spans: Number of spans.
        counts: Weights of the means, shape (n, channels).
    """
    if not len(span_numbers):
        return {name: np.full((spans, column.shape[1]), np.nan) for name, column in values.items()}
    occupied, firsts = np.unique(span_numbers, return_index=True)
    return {
        name: _spread_out(
            _span_maxima(column, firsts) if name in PEAKS else _span_means(column, firsts, counts), occupied, spans
        )
        for name, column in values.items()
    }


def _spread_out(rows: NDArray[np.float64], occupied: NDArray[np.int64], spans: int) -> NDArray[np.float64]:
    """Return the rows at their spans, NaN in between."""
    out = np.full((spans, rows.shape[1]), np.nan)
    out[occupied] = rows
    return out


def _span_maxima(column: NDArray[np.float64], firsts: NDArray[np.int64]) -> NDArray[np.float64]:
    maxima: NDArray[np.float64] = np.fmax.reduceat(column, firsts, axis=0)
    return maxima


def _span_means(
    column: NDArray[np.float64], firsts: NDArray[np.int64], counts: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    is_known = np.isfinite(column)
    weights = is_known.astype(np.float64) if counts is None else np.where(is_known, counts, 0.0)
    sums = np.add.reduceat(np.where(is_known, column, 0.0) * weights, firsts, axis=0)
    weight = np.add.reduceat(weights, firsts, axis=0)
    return np.where(weight > 0, sums / np.where(weight > 0, weight, 1.0), np.nan)
