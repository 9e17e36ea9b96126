"""Lowest and highest values of a long signal at every zoom: a pyramid of buckets (min/max mipmap).

A night of one sensor has 36 million samples a channel; a screen has about 2000 columns. Level 0 holds the lowest and
highest value of each 64 consecutive samples, each further level those of four buckets of the level below:

    level 0      64 samples a bucket     562,500 buckets for 10 h at 1 kHz
    level 1     256                      140,625
    level 2    1024                       35,157
    ...                                   until a level has at most 256 buckets

To draw a span, take the coarsest level whose buckets are not larger than a screen column: a column then covers one to
four buckets (five at its edges), so drawing costs at most a few thousand values at any zoom. When a column has fewer
than 64 samples, the samples themselves are read from the recording instead (see :mod:`.viewport`).

Memory: 8 bytes a bucket and channel, 4.5 MB a channel for level 0 of ten hours, and a third more for all other levels
together (1/4 + 1/16 + ... = 1/3). Only level 0 is stored in the cache; the others are computed from it.

Invariants, for every level and bucket ``k``:

- It holds the lowest and highest of the samples ``k * size <= index < (k + 1) * size`` written so far, so no spike is
  lost at any zoom; it is NaN if there are none, so a gap stays a gap.
- Writing samples in any order and any cuts gives the same pyramid (lowest and highest commute). A bucket only widens:
  writing other values for the same samples again does not narrow it.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from crampwatch.web.live.ring import Floats

__all__ = ["BASE_SAMPLES", "FACTOR", "Pyramid"]

BASE_SAMPLES: Final = 64
"""Samples in a bucket of level 0. With fewer samples a column the samples themselves are read: at most 128,000 for a
screen of 2000 columns. Half the size would double the memory."""
FACTOR: Final = 4
"""Bucket size from level to level. With 2 all levels together would take twice the finest instead of 4/3; with 8 a
column would cover up to eight buckets."""
_MAX_TOP_BUCKETS: Final = 256
"""A level of more buckets gets one above it. Fewer than a screen has columns, so that a coarser one is of no use."""
_FIRST_CAPACITY: Final = 4096
"""Buckets allocated at first: four minutes at 1 kHz. Doubled as needed."""


class Pyramid:
    """Lowest and highest value of each bucket at each level; NaN where a bucket has no sample.

    Args:
        channels: Number of channels of the signal.
        base: Level 0, as `base` returned it, to restore a pyramid from a cache; None for an empty one.
    """

    def __init__(self, channels: int, base: Floats | None = None) -> None:
        self.channels = channels
        self._levels: list[Floats] = [_empty_buckets(_FIRST_CAPACITY, channels)]
        self._ends = [0]
        if base is not None:
            self._levels[0] = base
            self._ends[0] = len(base)
            self._update_upper_levels(0, len(base))

    @property
    def base(self) -> Floats:
        """Level 0, float32 of shape (buckets, channels, 2); all other levels follow from it."""
        return self._levels[0][: self._ends[0]]

    def add_samples(self, first: int, values: Floats) -> None:
        """Add consecutive samples.

        Args:
            first: Index of the first sample, 0 or more.
            values: Samples of shape (samples, channels).
        """
        if not len(values):
            return
        first_bucket, last_bucket = first // BASE_SAMPLES, (first + len(values) - 1) // BASE_SAMPLES
        self._extend_level(0, last_bucket + 1)
        starts = np.maximum(np.arange(first_bucket, last_bucket + 1) * BASE_SAMPLES - first, 0)
        target = self._levels[0][first_bucket : last_bucket + 1]
        np.fmin(target[..., 0], np.minimum.reduceat(values, starts, axis=0), out=target[..., 0])
        np.fmax(target[..., 1], np.maximum.reduceat(values, starts, axis=0), out=target[..., 1])
        self._update_upper_levels(first_bucket, last_bucket + 1)

    def level_for(self, samples: float) -> tuple[int, Floats]:
        """Return the coarsest level whose buckets have at most ``samples`` samples: the bucket size, and the buckets.

        Level 0 if ``samples`` is less than its bucket size.
        """
        size, level = BASE_SAMPLES, 0
        while level + 1 < len(self._levels) and size * FACTOR <= samples:
            size *= FACTOR
            level += 1
        return size, self._levels[level][: self._ends[level]]

    def _update_upper_levels(self, first: int, end: int) -> None:
        """Recompute what lies above buckets ``first <= k < end`` of level 0."""
        for level in self._upper_levels():
            first, end = first // FACTOR, -(-end // FACTOR)
            self._extend_level(level, end)
            below = self._levels[level - 1][first * FACTOR : min(end * FACTOR, self._ends[level - 1])]
            self._levels[level][first:end] = _merge_buckets(below)

    def _upper_levels(self) -> Iterator[int]:
        """Yield the number of each level above 0, creating new ones as the signal grows."""
        level = 1
        while self._ends[level - 1] > _MAX_TOP_BUCKETS:
            if level == len(self._levels):
                merged = _merge_buckets(self._levels[level - 1][: self._ends[level - 1]])
                self._levels.append(merged)
                self._ends.append(len(merged))
            yield level
            level += 1

    def _extend_level(self, level: int, end: int) -> None:
        """Make a level have ``end`` buckets at least."""
        buckets = self._levels[level]
        if end > len(buckets):
            grown = _empty_buckets(max(end, 2 * len(buckets)), self.channels)
            grown[: len(buckets)] = buckets
            self._levels[level] = grown
        self._ends[level] = max(self._ends[level], end)


def _merge_buckets(below: Floats) -> Floats:
    """Return the extremes of each `FACTOR` buckets; the last may be of fewer."""
    starts = np.arange(0, len(below), FACTOR)
    low = np.fmin.reduceat(below[..., 0], starts, axis=0)
    high = np.fmax.reduceat(below[..., 1], starts, axis=0)
    return np.stack([low, high], axis=-1)


def _empty_buckets(count: int, channels: int) -> Floats:
    return np.full((count, channels, 2), np.nan, np.float32)
