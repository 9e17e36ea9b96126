"""Which bins are active: power over the resting floor, with the smoothing that the sampling rate can bear."""

from dataclasses import dataclass

import numpy as np
from crampwatch.detector.config import DetectorConfig
from crampwatch.detector.frontend import emg_band_hz
from crampwatch.detector.grid import Grid
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Activity", "ActivityRule"]

Array = NDArray[np.float64]

_SMOOTH_BINS = 3
_HEADROOM = 1.3  # real resting noise has heavier tails than Gaussian noise, and the floor is an estimate


@dataclass(frozen=True, slots=True)
class Activity:
    """Per bin of a stretch: whether it begins an episode, and whether it belongs to one; (bins, channels)."""

    begins: NDArray[np.bool_]
    holds: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ActivityRule:
    """Ratios of power over the floor, from the degrees of freedom a bin has at this rate.

    Attributes:
        single_ratio: For one bin alone: a motor unit potential in 20 ms.
        smooth_ratio: For the mean of three bins.
        hold_ratio: For the mean of three bins of an episode under way.
    """

    single_ratio: float
    smooth_ratio: float
    hold_ratio: float

    @classmethod
    def at_rate(cls, grid: Grid, config: DetectorConfig) -> "ActivityRule":
        """Return the rule whose false onsets on Gaussian noise are as rare as `config` asks."""
        low, high = emg_band_hz(grid.rate_hz)
        freedom = max(1.0, 2.0 * max(high - low, 5.0) * grid.bin_s * 0.85)
        smooth = _ratio(freedom * _SMOOTH_BINS, config.false_onset_probability)
        return cls(
            single_ratio=2.0 * max(config.least_onset_ratio, _ratio(freedom, config.false_onset_probability)) / 1.4,
            smooth_ratio=max(config.least_onset_ratio, smooth),
            hold_ratio=max(config.hold_ratio, _ratio(freedom * _SMOOTH_BINS, 1e-3)),
        )

    def judge(self, bin_power: Array, floor: Array) -> Activity:
        """Judge bins against the floor of each, (bins, channels); two more rows of power come first, as their past."""
        known = np.nan_to_num(bin_power)
        smooth = (known[2:] + known[1:-1] + known[:-2]) / (_SMOOTH_BINS * floor)
        single = known[2:] / floor
        return Activity(
            begins=np.asarray((smooth > self.smooth_ratio) | (single > self.single_ratio)),
            holds=(smooth > self.hold_ratio) & (single > 0.6 * self.hold_ratio) | (single > self.smooth_ratio),
        )


def _ratio(freedom: float, probability: float) -> float:
    return float(stats.chi2.isf(probability, freedom) / freedom) * _HEADROOM
