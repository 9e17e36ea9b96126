"""Which bins are active: those whose power resting noise hardly ever reaches.

The mean power of a bin of resting Gaussian noise is distributed as chi-square, with twice as many degrees of freedom as
the product of bandwidth and length. From that follow the ratios over the floor for a wanted rate of false onsets, at
any sampling rate: a slow sensor has few degrees of freedom in 20 ms, so its ratios are higher.

There are three questions, from strict to lenient:

- *begins*: does an episode begin here? Either three bins together are strong (a contraction), or one bin alone is very
  strong (a single motor unit potential);
- *holds*: does an episode under way go on? Far less is needed, since there is a reason to expect activity;
- *lingers*: the same without the rule of the tail below, for cramps, which end unit by unit.

The tail rule: amplitude below a fifth of the largest of the last 4 s is the tail of that burst (filters ring,
electrodes settle, crosstalk fades) and neither begins nor holds anything.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.signal.filters import emg_band_hz
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.nan import filled
from numpy.typing import NDArray

__all__ = ["PAST_BINS", "Activity", "ActivityRule", "HopActivity"]

Array = NDArray[np.float64]

PAST_BINS = 202
"""Bins of the past that matter: two for smoothing, four seconds for the tail of a strong burst."""

_SMOOTH_BINS = 3
_HEADROOM = 1.3  # real resting noise has heavier tails than Gaussian noise, and the floor is an estimate
_INDEPENDENT = 0.85  # share of the degrees of freedom that is left by the slopes of the band
_HOLD_PROBABILITY = 1e-3  # a false continuation prolongs an episode by 60 ms at most


@dataclass(frozen=True, slots=True)
class Activity:
    """What each of some consecutive bins does; (bins, channels).

    Attributes:
        begins: Strong enough to begin an episode.
        holds: Belongs to an episode under way.
        lingers: Above rest at all, if only as the tail of something stronger: belongs to a cramp under way.
    """

    begins: NDArray[np.bool_]
    holds: NDArray[np.bool_]
    lingers: NDArray[np.bool_]

    def by_hop(self, excess: Array, peak: Array, present: NDArray[np.bool_]) -> list["HopActivity"]:
        """Return the activity of each hop in plain numbers, since the tracker looks at few hops, one by one.

        Args:
            excess: Power over the floor of each hop; (hops, channels).
            peak: Largest deviation in each hop; (hops, channels).
            present: Whether the signal of a channel was usable; (hops, channels).
        """
        columns = (
            _first_in_hop(self.begins),
            _last_in_hop(self.holds),
            _last_in_hop(self.lingers),
            excess,
            peak,
            present,
        )
        return [HopActivity(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


class HopActivity(NamedTuple):
    """Activity in one hop. Lists have one entry for each channel. Bins are counted within the hop; -1: none.

    Attributes:
        begin_bin: First bin strong enough to begin an episode.
        hold_bin: Last bin that belongs to an episode under way.
        linger_bin: Last bin that belongs to a cramp under way.
        excess: Power over the floor.
        peak: Largest deviation.
        present: Whether the signal was usable.
    """

    begin_bin: list[int]
    hold_bin: list[int]
    linger_bin: list[int]
    excess: list[float]
    peak: list[float]
    present: list[bool]


@dataclass(frozen=True, slots=True)
class ActivityRule:
    """Ratios of power over the floor, from the degrees of freedom that a bin has at a sampling rate.

    Attributes:
        single_ratio: From which one bin alone begins an episode: a motor unit potential in 20 ms.
        smooth_ratio: From which the mean of three bins begins an episode.
        hold_ratio: From which the mean of three bins holds an episode under way.
    """

    single_ratio: float
    smooth_ratio: float
    hold_ratio: float

    @classmethod
    def at_rate(cls, grid: Grid, config: DetectorConfig) -> "ActivityRule":
        """Return the rule whose false onsets on Gaussian noise are as rare as `config` asks."""
        low, high = emg_band_hz(grid.rate_hz)
        freedom = max(1.0, 2.0 * max(high - low, 5.0) * grid.bin_s * _INDEPENDENT)
        single = _quantile_ratio(freedom, config.false_onset_probability)
        smooth = _quantile_ratio(freedom * _SMOOTH_BINS, config.false_onset_probability)
        return cls(
            single_ratio=2.0 * max(config.least_onset_ratio, single) / 1.4,
            smooth_ratio=max(config.least_onset_ratio, smooth),
            hold_ratio=max(config.hold_ratio, _quantile_ratio(freedom * _SMOOTH_BINS, _HOLD_PROBABILITY)),
        )

    def may_begin(self, bin_power: Array, floor: Array) -> bool:
        """Whether any bin could begin an episode: a quick test for the long hours of rest. NaN never does."""
        return bool((bin_power > min(self.single_ratio, self.smooth_ratio) * floor).any())

    def find_active(self, bin_power: Array, floor: Array, tail_share: float) -> Activity:
        """Return which of some consecutive bins are active.

        Args:
            bin_power: Power of the bins, after that of the `PAST_BINS` before them; (PAST_BINS + n, channels).
            floor: Resting power of each bin; infinite where nothing can be active; (n, channels).
            tail_share: Amplitude, as a share of the largest of the past 4 s, below which a bin is only its tail.
        """
        known = filled(bin_power)
        smooth = (known[2:] + known[1:-1] + known[:-2]) / _SMOOTH_BINS
        count = len(floor)
        tail = tail_share**2 * _largest_before(smooth, count)
        smooth, single = smooth[-count:], known[-count:]
        begins = (smooth > self.smooth_ratio * floor) & (smooth > tail)
        begins |= (single > self.single_ratio * floor) & (single > 2.0 * tail)
        lingers = (smooth > self.hold_ratio * floor) & (single > 0.6 * self.hold_ratio * floor)
        lingers |= single > self.smooth_ratio * floor
        return Activity(begins, lingers & (np.maximum(smooth, single) > tail), lingers)


def _first_in_hop(bins: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first true bin of each hop, -1 for none; (hops, channels)."""
    hops = bins.reshape(-1, BINS_PER_HOP, bins.shape[1])
    return np.where(hops.any(axis=1), hops.argmax(axis=1), -1)


def _last_in_hop(bins: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the last true bin of each hop, -1 for none; (hops, channels)."""
    hops = bins.reshape(-1, BINS_PER_HOP, bins.shape[1])[:, ::-1]
    return np.where(hops.any(axis=1), BINS_PER_HOP - 1 - hops.argmax(axis=1), -1)


def _largest_before(values: Array, count: int) -> Array:
    """Return, for each of the last `count` rows, the largest of the rows up to it, over four seconds."""
    largest, reach = values, 1
    while reach < PAST_BINS - 1:
        step = min(reach, PAST_BINS - 1 - reach)
        largest = np.maximum(largest[step:], largest[:-step])
        reach += step
    return largest[-count:]


def _quantile_ratio(freedom: float, probability: float) -> float:
    """Return the ratio over its mean that a mean of `freedom` squares exceeds with that probability, with headroom.

    The cube root rule of Wilson and Hilferty (1931) is within 2 % of the chi-square quantile from 500 Hz up and within
    8 % at 200 Hz, far less than what the headroom is for.
    """
    spread = 2.0 / (9.0 * freedom)
    root = 1.0 - spread + NormalDist().inv_cdf(1.0 - probability) * math.sqrt(spread)
    return root * root * root * _HEADROOM
