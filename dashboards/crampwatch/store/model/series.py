"""Values over time, thinned for drawing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELDS", "PEAKS", "Series", "by_span", "thinned"]

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
"""What can be drawn of each measurement."""
PEAKS: Final = frozenset({"envelope", *FIELDS["link"][1:]})
"""Thinned by their greatest value, so that a short contraction does not vanish; others by their mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one measurement of one sensor.

    Attributes:
        t_ns: UTC, ascending, int64, shape (n,); where thinned, the begin of each of equal spans, empty ones included.
        values: By field: float64, shape (n, channels); NaN where nothing is known: a gap, to be drawn as one.
    """

    t_ns: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.t_ns)


def thinned(
    series: Series, *, since_ns: int, until_ns: int, max_points: int, counts: NDArray[np.float64] | None = None
) -> Series:
    """Return at most `max_points` points: the series itself where it has no more, else one for each equal span.

    Args:
        series: Ascending.
        since_ns: Where the first span begins.
        until_ns: Where the last span ends.
        max_points: How many spans at most.
        counts: How many values each row was made of, shape (n, channels), where it was made of several; such a series
            is always told in equal spans.
    """
    if counts is None and len(series) <= max_points:
        return series
    span_ns = max(1, -(-(until_ns - since_ns) // max_points))
    places = (series.t_ns - since_ns) // span_ns
    begins_ns = since_ns + np.arange(-(-(until_ns - since_ns) // span_ns), dtype=np.int64) * span_ns
    return Series(begins_ns, by_span(series.values, places, len(begins_ns), counts=counts))


def by_span(
    values: dict[str, NDArray[np.float64]],
    places: NDArray[np.int64],
    spans: int,
    *,
    counts: NDArray[np.float64] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the greatest of peaks and the mean of others for each span, NaN where nothing is known.

    Args:
        values: By field, shape (n, channels).
        places: Number of each row's span, ascending, shape (n,).
        spans: How many there are.
        counts: Weights of the means, shape (n, channels).
    """
    if not len(places):
        return {name: np.full((spans, column.shape[1]), np.nan) for name, column in values.items()}
    taken, begins = np.unique(places, return_index=True)
    return {
        name: _placed(_peaks(column, begins) if name in PEAKS else _means(column, begins, counts), taken, spans)
        for name, column in values.items()
    }


def _placed(rows: NDArray[np.float64], taken: NDArray[np.int64], spans: int) -> NDArray[np.float64]:
    out = np.full((spans, rows.shape[1]), np.nan)
    out[taken] = rows
    return out


def _peaks(column: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.fmax.reduceat(column, begins, axis=0)
    return found


def _means(
    column: NDArray[np.float64], begins: NDArray[np.int64], counts: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    known = np.isfinite(column)
    weights = known.astype(np.float64) if counts is None else np.where(known, counts, 0.0)
    sums = np.add.reduceat(np.where(known, column, 0.0) * weights, begins, axis=0)
    weight = np.add.reduceat(weights, begins, axis=0)
    return np.where(weight > 0, sums / np.where(weight > 0, weight, 1.0), np.nan)
