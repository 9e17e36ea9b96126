"""Values over time, thinned for drawing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELDS", "PEAKS", "Series", "thinned"]

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


def thinned(series: Series, *, since_ns: int, until_ns: int, max_points: int) -> Series:
    """Return at most `max_points` points: the series itself where it has no more, else one for each equal span."""
    if len(series) <= max_points:
        return series
    span_ns = -(-(until_ns - since_ns) // max_points)
    places = (series.t_ns - since_ns) // span_ns
    begins_ns = since_ns + np.arange(-(-(until_ns - since_ns) // span_ns), dtype=np.int64) * span_ns
    values = {
        name: _by_span(column, places, len(begins_ns), is_peak=name in PEAKS) for name, column in series.values.items()
    }
    return Series(begins_ns, values)


def _by_span(
    column: NDArray[np.float64], places: NDArray[np.int64], spans: int, *, is_peak: bool
) -> NDArray[np.float64]:
    known = np.isfinite(column)
    taken, begins = np.unique(places, return_index=True)  # ascending, as the times are
    counts = np.add.reduceat(known, begins, axis=0, dtype=np.int64)
    if is_peak:
        found = np.maximum.reduceat(np.where(known, column, -np.inf), begins, axis=0)
    else:
        found = np.add.reduceat(np.where(known, column, 0.0), begins, axis=0) / np.maximum(counts, 1)
    out = np.full((spans, column.shape[1]), np.nan)
    out[taken] = np.where(counts > 0, found, np.nan)
    return out
