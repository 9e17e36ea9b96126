"""What is measured in every bin and hop, vectorised over hops and channels.

Everything later stages know of the signal are these eight measures. A bin or hop of which less than half is usable has
no measure (NaN). After a gap the filters need time to settle: until then their output counts as missing too. How long
depends on what was lost. Across a bridged gap only the shape of the wave is disturbed, for a few time constants of the
high-pass; from a standstill the notches have to find the mains, which takes five times as long. A longer gap counts as
more of a standstill, so the time to wait grows with the gap between these two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from crampwatch.detector.signal.filters import Bands, FilterChain, emg_band_hz
from crampwatch.detector.signal.grid import BINS_PER_HOP, Frame, Grid
from numpy.typing import NDArray

__all__ = ["Measurer", "Measures", "count_true", "measure"]

Array = NDArray[np.float64]

_SETTLE_S = 0.06  # after a bridged gap only the lost shape of the wave disturbs, for a few filter time constants
_FIRST_SETTLE_S = 0.3  # at the start and after long gaps the notches have to find the mains, which they lose slowly
_LOWEST_LINE = 0.75  # of the band's lower corner: the first line of the spectrum that the slope lets through


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of consecutive hops. Time first, then channels. NaN where the signal was missing.

    Attributes:
        bin_power: Mean square of the EMG band in each 20 ms, uV2; (5 * hops, channels).
        bin_peak: Largest deviation of the EMG band, uV; (5 * hops, channels).
        power: Mean square of the EMG band, uV2; (hops, channels).
        fourth: Mean fourth power, uV4; over the square of `power` it is the kurtosis.
        mean_hz: Power-weighted mean frequency of the EMG band.
        median_hz: Median frequency of the EMG band.
        motion: Mean square between 1.5 and 12 Hz, uV2.
        mains: Mean square of what the mains notches removed, uV2.
    """

    bin_power: Array
    bin_peak: Array
    power: Array
    fourth: Array
    mean_hz: Array
    median_hz: Array
    motion: Array
    mains: Array

    @classmethod
    def allocate(cls, hops: int, channels: int) -> "Measures":
        """Return room for measures, with nothing in it yet."""
        bins, hop = (hops * BINS_PER_HOP, channels), (hops, channels)
        return cls(np.empty(bins), np.empty(bins), *(np.empty(hop) for _ in range(6)))

    def of_hops(self, first: int, last: int) -> "Measures":
        """Return views of the hops from `first` to before `last`."""
        bins, hops = slice(first * BINS_PER_HOP, last * BINS_PER_HOP), slice(first, last)
        return Measures(
            bin_power=self.bin_power[bins],
            bin_peak=self.bin_peak[bins],
            power=self.power[hops],
            fourth=self.fourth[hops],
            mean_hz=self.mean_hz[hops],
            median_hz=self.median_hz[hops],
            motion=self.motion[hops],
            mains=self.mains[hops],
        )

    def of_channels(self, first: int, last: int) -> "Measures":
        """Return views of the channels from `first` to before `last`."""
        channels = slice(first, last)
        return Measures(**{name: values[:, channels] for name, values in self.by_name().items()})

    def copy_from(self, other: "Measures") -> None:
        """Overwrite all values in place with those of as many hops."""
        target = self.by_name()
        for name, values in other.by_name().items():
            target[name][:] = values

    def by_name(self) -> dict[str, Array]:
        """Return all measures by name: the one list of them, for whatever has to be done with each."""
        return {
            "bin_power": self.bin_power,
            "bin_peak": self.bin_peak,
            "power": self.power,
            "fourth": self.fourth,
            "mean_hz": self.mean_hz,
            "median_hz": self.median_hz,
            "motion": self.motion,
            "mains": self.mains,
        }


@dataclass(slots=True)
class Measurer:
    """Filters frames and measures them; knows how long each channel still has to settle.

    Attributes:
        unsettled: Samples still to be left out after a gap; (channels,).
    """

    grid: Grid
    channels: int
    filters: FilterChain = field(init=False)
    unsettled: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.filters = FilterChain(self.grid.rate_hz, self.channels)
        self.reset()

    def reset(self) -> None:
        """Forget the past, after a gap too long to bridge."""
        self.filters.registers[:] = 0.0
        self.unsettled = np.full(self.channels, self._to_samples(_FIRST_SETTLE_S))

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process; the filters have a state of their own."""
        return {"unsettled": self.unsettled}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.unsettled = state["unsettled"]

    def measure(self, frame: Frame) -> Measures:
        """Measure whole hops that follow the ones before."""
        bands = self.filters.run(frame.samples)
        usable = self._usable(frame)
        return measure(self.grid, frame, bands, usable)

    def is_settled(self) -> bool:
        """Whether the filters have settled on all channels."""
        return not self.unsettled.any()

    def _to_samples(self, seconds: float) -> int:
        return round(seconds * self.grid.rate_hz)

    def _usable(self, frame: Frame) -> NDArray[np.bool_] | None:
        """Return which samples are neither missing nor unsettled; None where all are usable."""
        if frame.valid is None and self.is_settled():
            return None
        hop_samples, hops, channels = frame.samples.shape
        total = hops * hop_samples
        valid = np.ones((total, channels), bool)
        if frame.valid is not None:
            valid = frame.valid.transpose(1, 0, 2).reshape(total, channels)
        columns = [self._settle(channel, column) for channel, column in enumerate(valid.T)]
        return np.stack(columns, axis=1).reshape(hops, hop_samples, channels).transpose(1, 0, 2)

    def _settle(self, channel: int, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which samples of a channel are usable; store how many still have to be left out after them."""
        least, most = self._to_samples(_SETTLE_S), self._to_samples(_FIRST_SETTLE_S)
        left, place = int(self.unsettled[channel]), 0
        usable = valid.copy()
        edges = np.flatnonzero(np.diff(valid, prepend=True, append=True)).tolist()
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            usable[place : min(begin, place + left)] = False
            left = min(max(left - (begin - place), least) + end - begin, most)
            place = end
        usable[place : place + left] = False
        self.unsettled[channel] = max(left - (len(valid) - place), 0)
        return usable


def measure(grid: Grid, frame: Frame, bands: Bands, usable: NDArray[np.bool_] | None) -> Measures:
    """Measure whole hops of filtered signal; `usable` says which samples count; all do where None."""
    hop_samples, hops, channels = frame.samples.shape
    by_bin = (BINS_PER_HOP, grid.bin_samples, hops, channels)
    square = bands.emg * bands.emg
    if usable is None:
        counts = np.full((BINS_PER_HOP, hops, channels), grid.bin_samples)
    else:
        square *= usable
        counts = usable.reshape(by_bin).sum(axis=1)
    bins = square.reshape(by_bin)
    total, per_hop = bins.sum(axis=1), counts.sum(axis=0)
    present = 2 * per_hop >= hop_samples
    mean_hz, median_hz = _mean_and_median_hz(grid, bands.emg)
    return Measures(
        bin_power=_in_time(_mean(total, counts, grid.bin_samples)),
        bin_peak=_in_time(np.sqrt(bins.max(axis=1))),
        power=_mean(total.sum(axis=0), per_hop, hop_samples),
        fourth=_mean(_sum_of_squares(square), per_hop, hop_samples),
        mean_hz=np.where(present, mean_hz, np.nan),
        median_hz=np.where(present, median_hz, np.nan),
        motion=np.where(present, _sum_of_squares(bands.motion) / len(bands.motion), np.nan),
        mains=np.where(present, _sum_of_squares(bands.mains) / len(bands.mains), np.nan),
    )


def _in_time(by_place: Array) -> Array:
    """Return bins one after the other, (bins, channels), from (bins of a hop, hops, channels)."""
    return by_place.transpose(1, 0, 2).reshape(-1, by_place.shape[2])


def _mean(total: Array, count: NDArray[np.int64], whole: int) -> Array:
    """Return means over the usable samples; NaN where they are less than half of `whole`."""
    return np.where(2 * count >= whole, total / np.maximum(count, 1), np.nan)


def _sum_of_squares(values: Array) -> Array:
    total: Array = np.einsum("phc,phc->hc", values, values)
    return total


def count_true(where: NDArray[np.bool_]) -> NDArray[np.integer[Any]]:
    """Return how many are true along the first axis; small integers take a fifth of the time of the usual ones."""
    counts: NDArray[np.integer[Any]] = np.add.reduce(where, axis=0, dtype=np.min_scalar_type(len(where)))
    return counts


def _mean_and_median_hz(grid: Grid, emg: Array) -> tuple[Array, Array]:
    """Return mean and median frequency of each hop, Hz; the median interpolated within its 10 Hz line."""
    waves, hz = _spectral_lines(grid)
    shape = emg.shape[1:]
    if len(hz) < 2:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    parts = waves @ emg.reshape(len(emg), -1)
    parts *= parts
    band = parts[: len(hz)] + parts[len(hz) :]
    cumulated = band.copy()
    for line in range(1, len(hz)):  # half the time of `numpy.cumsum`, which goes down one column after the other
        cumulated[line] += cumulated[line - 1]
    total = cumulated[-1] + np.finfo(float).tiny
    place = np.minimum(count_true(cumulated < 0.5 * total), len(hz) - 1)
    column = np.arange(len(place))
    above, step = cumulated[place, column] - 0.5 * total, band[place, column]
    within = 0.5 - np.divide(above, step, out=np.zeros_like(step), where=step > 0)
    median_hz = hz[place] + within * (hz[1] - hz[0])
    return (hz @ band / total).reshape(shape), median_hz.reshape(shape)


@lru_cache(maxsize=32)
def _spectral_lines(grid: Grid) -> tuple[Array, Array]:
    """Return the cosines and sines of the lines of a hop's spectrum that lie in the EMG band, and their frequencies.

    A few dozen lines as one matrix product take less time than a Fourier transform, which computes all of them.
    """
    hz = np.arange(grid.hop_samples // 2 + 1) * grid.rate_hz / grid.hop_samples
    low, high = emg_band_hz(grid.rate_hz)
    hz = hz[(hz >= _LOWEST_LINE * low) & (hz <= max(high, low))]
    turns = np.outer(hz, 2.0 * np.pi * np.arange(grid.hop_samples) / grid.rate_hz)
    return np.vstack([np.cos(turns), np.sin(turns)]), hz
