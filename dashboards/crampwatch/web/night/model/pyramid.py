"""Lowest and highest values of a long signal at every zoom: from buckets of 64 samples up to the whole night."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from crampwatch.web.live.ring import Floats

__all__ = ["BASE_SAMPLES", "FACTOR", "Pyramid"]

BASE_SAMPLES: Final = 64
"""Finer than that the samples themselves are read: a screen of 2000 columns then takes 128 000 at most."""
FACTOR: Final = 4
"""From level to level: all levels together take a third more than the finest."""
_FEWEST_BUCKETS: Final = 256
_FIRST_CAPACITY: Final = 4096


class Pyramid:
    """Lowest and highest value of each bucket, of each tier; NaN where a bucket has no sample.

    Samples may come in any order, so what is backfilled finds its place.

    Args:
        channels: Of the signal.
        base: Finest tier to begin with, as `base` gave it.
    """

    def __init__(self, channels: int, base: Floats | None = None) -> None:
        self.channels = channels
        self._tiers: list[Floats] = [_unknown(_FIRST_CAPACITY, channels)]
        self._ends = [0]
        if base is not None:
            self._tiers[0] = base
            self._ends[0] = len(base)
            self._propagate(0, len(base))

    @property
    def base(self) -> Floats:
        """The finest tier, float32 of shape (buckets, channels, 2): all others follow from it."""
        return self._tiers[0][: self._ends[0]]

    def put(self, at: int, values: Floats) -> None:
        """Take consecutive samples.

        Args:
            at: Place of the first, from 0.
            values: Of shape (samples, channels).
        """
        if not len(values):
            return
        first, last = at // BASE_SAMPLES, (at + len(values) - 1) // BASE_SAMPLES
        self._reach(0, last + 1)
        begins = np.maximum(np.arange(first, last + 1) * BASE_SAMPLES - at, 0)
        target = self._tiers[0][first : last + 1]
        np.fmin(target[..., 0], np.minimum.reduceat(values, begins, axis=0), out=target[..., 0])
        np.fmax(target[..., 1], np.maximum.reduceat(values, begins, axis=0), out=target[..., 1])
        self._propagate(first, last + 1)

    def level_for(self, samples: float) -> tuple[int, Floats]:
        """Return the coarsest tier of which a bucket has at most so many samples: bucket size, and its buckets."""
        bucket, chosen = BASE_SAMPLES, 0
        while chosen + 1 < len(self._tiers) and bucket * FACTOR <= samples:
            bucket *= FACTOR
            chosen += 1
        return bucket, self._tiers[chosen][: self._ends[chosen]]

    def _propagate(self, first: int, end: int) -> None:
        for tier in self._upper():
            first, end = first // FACTOR, -(-end // FACTOR)
            self._reach(tier, end)
            below = self._tiers[tier - 1][first * FACTOR : min(end * FACTOR, self._ends[tier - 1])]
            begins = np.arange(0, len(below), FACTOR)
            self._tiers[tier][first:end, :, 0] = np.fmin.reduceat(below[..., 0], begins, axis=0)
            self._tiers[tier][first:end, :, 1] = np.fmax.reduceat(below[..., 1], begins, axis=0)

    def _upper(self) -> Iterator[int]:
        """Yield each tier above the finest; new ones are made as the signal grows."""
        tier = 1
        while self._ends[tier - 1] > _FEWEST_BUCKETS:
            if tier == len(self._tiers):
                self._make_above(tier)
            yield tier
            tier += 1

    def _make_above(self, tier: int) -> None:
        """Begin a tier with what the one below has got so far."""
        below = self._tiers[tier - 1][: self._ends[tier - 1]]
        begins = np.arange(0, len(below), FACTOR)
        low = np.fmin.reduceat(below[..., 0], begins, axis=0)
        high = np.fmax.reduceat(below[..., 1], begins, axis=0)
        self._tiers.append(np.stack([low, high], axis=-1))
        self._ends.append(len(begins))

    def _reach(self, tier: int, end: int) -> None:
        held = self._tiers[tier]
        if end > len(held):
            grown = _unknown(max(end, 2 * len(held)), self.channels)
            grown[: len(held)] = held
            self._tiers[tier] = grown
        self._ends[tier] = max(self._ends[tier], end)


def _unknown(buckets: int, channels: int) -> Floats:
    return np.full((buckets, channels, 2), np.nan, np.float32)
