"""Downsampled tiers: the same series by 10 s and by 10 minutes, so that a night and a year open fast (pure).

Why tiers. Features come ten a second: 288,000 a night, 105 million a year. A chart is some 2,000 pixels wide, so nobody
ever looks at them all. A *tier* is the same series with one row for each *span* of fixed length (10 s, 10 minutes),
aligned to multiples of that length since 1970. A query takes the coarsest tier that still has at least one row for each
point that it draws (:func:`coarsest_tier`).

What a row holds. The greatest value of fields that are peaks (`PEAKS`: a short contraction must not vanish in a mean),
the mean of all others, and for each channel how many values it was made of. A coarser tier is made from the finer one,
not from the series: means are weighted by those counts, so that the result is the same, and a year is not read again.

Why it is never out of date. A tier is derived, never incremented: a write marks the spans that it touches
(:func:`touched_spans`), and their rows are recomputed from what is stored then, in the same transaction. So it does not
matter in which order messages come, how often the same one comes, or how many hours later a gap is filled.

Invariants: a span without any value has no row; recomputing a span twice gives the same row; the counts of a coarse row
are the sum of the counts of the fine rows below it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from crampwatch.store.model.series import FIELDS, Series, aggregate_by_span
from numpy.typing import NDArray

__all__ = [
    "TIERS_NS",
    "TierRows",
    "coarsest_tier",
    "contiguous_runs",
    "downsample",
    "empty_series",
    "source_tier",
    "tier_name",
    "tier_spans",
    "touched_spans",
]

_S_NS: Final = 1_000_000_000
TIERS_NS: Final = (10 * _S_NS, 600 * _S_NS)
"""A night of eight hours has 2,880 spans of 10 s; a year of such nights 17,500 of 10 minutes. Both are about what a
screen can show, so that each query reads a few thousand rows."""
_SUFFIX: Final = {TIERS_NS[0]: "10s", TIERS_NS[1]: "10m"}


@dataclass(frozen=True, slots=True, eq=False)
class TierRows:
    """Rows of a tier; spans without values are absent.

    Attributes:
        series: `t_ns` is the start of each span; fields in `PEAKS` are the greatest value, others the mean.
        counts: How many values each row was made of, float64, shape (n, channels).
    """

    series: Series
    counts: NDArray[np.float64]

    def clipped_from(self, since_ns: int) -> Series:
        """Return the rows, with the start of the span that contains `since_ns` moved to `since_ns`."""
        return Series(np.maximum(self.series.t_ns, since_ns), self.series.values)


def tier_spans(measurement: str) -> tuple[int, ...]:
    """Return the span lengths of a measurement's tiers, finest first.

    Only features are dense enough for the fine tier: all others come every few seconds.
    """
    return TIERS_NS if measurement == "features" else TIERS_NS[1:]


def tier_name(measurement: str, span_ns: int) -> str:
    """Return the name of a tier.

    >>> tier_name("features", 10_000_000_000)
    'features_10s'
    """
    return f"{measurement}_{_SUFFIX[span_ns]}"


def coarsest_tier(measurement: str, *, since_ns: int, until_ns: int, max_points: int) -> int | None:
    """Return the span of the coarsest tier that has a row for each of `max_points`; None if only the series has.

    >>> coarsest_tier("features", since_ns=0, until_ns=8 * 3600 * 10**9, max_points=2000) == TIERS_NS[0]
    True
    """
    point_ns = (until_ns - since_ns) // max(1, max_points)
    return max((span_ns for span_ns in tier_spans(measurement) if span_ns <= point_ns), default=None)


def source_tier(measurement: str, span_ns: int) -> int | None:
    """Return the tier that a tier is made from; None if it is made from the series itself."""
    return max((other_ns for other_ns in tier_spans(measurement) if other_ns < span_ns), default=None)


def downsample(series: Series, span_ns: int, *, counts: NDArray[np.float64] | None = None) -> TierRows:
    """Return one row for each span in which a series has values.

    Args:
        series: The values, or the rows of a finer tier.
        span_ns: Length of a span.
        counts: How many values each row of a finer tier was made of; None if `series` holds single values.
    """
    starts_ns, span_numbers = np.unique(series.t_ns - series.t_ns % span_ns, return_inverse=True)
    if counts is None:
        first = next(iter(series.values.values()))
        counts = np.isfinite(first).astype(np.float64)
    values = aggregate_by_span(series.values, span_numbers, len(starts_ns), counts=counts)
    sums = np.zeros((len(starts_ns), counts.shape[1]))
    np.add.at(sums, span_numbers, counts)
    return TierRows(Series(starts_ns, values), sums)


def touched_spans(intervals_ns: Iterable[tuple[int, int]], span_ns: int) -> set[int]:
    """Return the starts of the spans that contain any moment of the intervals ``first <= t <= last``."""
    return {
        start_ns
        for first_ns, last_ns in intervals_ns
        for start_ns in range(first_ns - first_ns % span_ns, last_ns + 1, span_ns)
    }


def contiguous_runs(starts_ns: Iterable[int], span_ns: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of adjacent spans, so that a run can be read with one query.

    >>> list(contiguous_runs({0, 10, 30}, 10))
    [(0, 20), (30, 40)]
    """
    for _, group in groupby(enumerate(sorted(starts_ns)), key=lambda pair: pair[1] - pair[0] * span_ns):
        members = [start_ns for _, start_ns in group]
        yield members[0], members[-1] + span_ns


def empty_series(measurement: str) -> Series:
    """Return a series of a measurement without rows (one channel)."""
    return Series(np.empty(0, np.int64), {name: np.empty((0, 1)) for name in FIELDS[measurement]})
