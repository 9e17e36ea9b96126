"""Downsampled tiers: the same series by 10 s and by 10 minutes, so that a night and a year open fast (pure).

A tier follows from the series itself: the spans a write touches are made anew from what is then there. So it does not
matter how often, or in what order, the same is written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from crampwatch.store.model.series import FIELDS, Series, by_span
from numpy.typing import NDArray

__all__ = [
    "TIERS_NS",
    "TierRows",
    "coarsest",
    "empty_series",
    "finer",
    "runs",
    "tier_name",
    "tier_rows",
    "tiers_of",
    "touched",
]

_S_NS: Final = 1_000_000_000
TIERS_NS: Final = (10 * _S_NS, 600 * _S_NS)
"""A night of eight hours has 2 880 spans of 10 s; a year of such nights 17 500 of 10 minutes."""
_SUFFIX: Final = {TIERS_NS[0]: "10s", TIERS_NS[1]: "10m"}


@dataclass(frozen=True, slots=True, eq=False)
class TierRows:
    """Spans of a tier of which anything is known.

    Attributes:
        series: `t_ns` is the begin of each span; peaks are the greatest, others the mean.
        counts: How many values each was made of, float64, shape (n, channels).
    """

    series: Series
    counts: NDArray[np.float64]

    def from_(self, since_ns: int) -> Series:
        """Return the rows, the span that was under way at a moment beginning there."""
        return Series(np.maximum(self.series.t_ns, since_ns), self.series.values)


def tiers_of(measurement: str) -> tuple[int, ...]:
    """Return the spans of a measurement's tiers, the finest first: what comes every few seconds has but the coarse."""
    return TIERS_NS if measurement == "features" else TIERS_NS[1:]


def tier_name(measurement: str, span_ns: int) -> str:
    """Return the name of a tier.

    >>> tier_name("features", 10_000_000_000)
    'features_10s'
    """
    return f"{measurement}_{_SUFFIX[span_ns]}"


def coarsest(measurement: str, *, since_ns: int, until_ns: int, max_points: int) -> int | None:
    """Return the coarsest tier that still has a value for each of `max_points`; None where only the series itself has.

    >>> coarsest("features", since_ns=0, until_ns=8 * 3600 * 10**9, max_points=2000) == TIERS_NS[0]
    True
    """
    point_ns = (until_ns - since_ns) // max(1, max_points)
    return max((span_ns for span_ns in tiers_of(measurement) if span_ns <= point_ns), default=None)


def finer(measurement: str, span_ns: int) -> int | None:
    """Return the tier that a tier is made from; None where it is made from the series itself."""
    return max((one for one in tiers_of(measurement) if one < span_ns), default=None)


def tier_rows(series: Series, span_ns: int, *, counts: NDArray[np.float64] | None = None) -> TierRows:
    """Return a tier of a series.

    Args:
        series: The values, or the rows of a finer tier.
        span_ns: From one row to the next.
        counts: Of a finer tier.
    """
    begins_ns, places = np.unique(series.t_ns - series.t_ns % span_ns, return_inverse=True)
    if counts is None:
        first = next(iter(series.values.values()))
        counts = np.isfinite(first).astype(np.float64)
    values = by_span(series.values, places, len(begins_ns), counts=counts)
    sums = np.zeros((len(begins_ns), counts.shape[1]))
    np.add.at(sums, places, counts)
    return TierRows(Series(begins_ns, values), sums)


def touched(spans_ns: Iterable[tuple[int, int]], span_ns: int) -> set[int]:
    """Return the begins of the spans of a tier that moments within ``begin <= t <= end`` fall into."""
    return {
        begin_ns
        for first_ns, last_ns in spans_ns
        for begin_ns in range(first_ns - first_ns % span_ns, last_ns + 1, span_ns)
    }


def runs(begins_ns: Iterable[int], span_ns: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of what is contiguous, so that it can be read at once.

    >>> list(runs({0, 10, 30}, 10))
    [(0, 20), (30, 40)]
    """
    for _, group in groupby(enumerate(sorted(begins_ns)), key=lambda pair: pair[1] - pair[0] * span_ns):
        members = [begin_ns for _, begin_ns in group]
        yield members[0], members[-1] + span_ns


def empty_series(measurement: str) -> Series:
    """Return a series of nothing."""
    return Series(np.empty(0, np.int64), {name: np.empty((0, 1)) for name in FIELDS[measurement]})
