"""What is measured in every bin and hop, vectorised over hops and channels."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from crampwatch.detector.frontend import Bands, FrontEnd, emg_band_hz
from crampwatch.detector.grid import BINS_PER_HOP, Frame, Grid
from numpy.typing import NDArray

__all__ = ["Measurer", "Measures", "measure"]

Array = NDArray[np.float64]

_SETTLE_S = 0.06  # after a bridged gap only the lost shape of the wave disturbs, for a few filter time constants
_FIRST_SETTLE_S = 0.3  # at the start the mains notches have to find the line


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of consecutive hops. Time first, then channels. NaN where the signal was missing.

    Attributes:
        bin_power: Mean square of the EMG band in each 20 ms, uV2; (5 * hops, channels).
        bin_peak: Largest deviation of the EMG band, uV; (5 * hops, channels).
        power: Mean square of the EMG band, uV2; (hops, channels).
        fourth: Mean fourth power, uV4; with `power` it tells how spiky the signal is.
        mean_hz: Power-weighted mean frequency of the EMG band.
        median_hz: Median frequency of the EMG band.
        motion: Mean square between 1.5 and 12 Hz, uV2.
        mains: Mean square of what the mains notches took, uV2.
        lowest: Least raw value, uV.
        highest: Largest raw value, uV.
        at_extreme: Samples that repeat the largest or least value of the hop.
    """

    bin_power: Array
    bin_peak: Array
    power: Array
    fourth: Array
    mean_hz: Array
    median_hz: Array
    motion: Array
    mains: Array
    lowest: Array
    highest: Array
    at_extreme: Array


@dataclass(slots=True)
class Measurer:
    """Filters frames and measures them; carries the filter state and how long each channel still has to settle.

    Attributes:
        grid: Bins and hops.
        channels: Channels of the stream.
        front: The filter chain.
        unsettled: Samples still to be left out after a gap; (channels,).
    """

    grid: Grid
    channels: int
    front: FrontEnd = field(init=False)
    unsettled: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.front = FrontEnd(self.grid.rate_hz, self.channels)
        self.restart()

    def restart(self) -> None:
        """Begin anew after a gap too long to bridge."""
        self.front.state[:] = 0.0
        self.unsettled = np.full(self.channels, self._samples(_FIRST_SETTLE_S))

    def measure(self, frame: Frame) -> Measures:
        """Measure whole hops that follow the ones before."""
        bands = self.front.run(frame.samples)
        usable = self._usable(frame)
        return measure(self.grid, frame, bands, usable)

    def is_settled(self) -> bool:
        """Whether no sample has to be left out for the filter's sake."""
        return not self.unsettled.any()

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.grid.rate_hz)

    def _usable(self, frame: Frame) -> NDArray[np.bool_] | None:
        """Return which samples are there and settled; None where all are."""
        if frame.valid is None and self.is_settled():
            return None
        channels, hops, hop_samples = frame.samples.shape
        total = hops * hop_samples
        valid = np.ones((channels, total), bool) if frame.valid is None else frame.valid.reshape(channels, total)
        settle = self._samples(_SETTLE_S)
        places = np.arange(total)
        # Where each sample's latest missing neighbour lies; before the chunk, what is left to settle says it.
        latest = np.maximum.accumulate(np.where(valid, -total - settle, places), axis=1)
        usable = valid & (places - latest > settle) & (places >= self.unsettled[:, None])
        left = np.where(latest[:, -1] >= 0, settle - (total - 1 - latest[:, -1]), 0)
        self.unsettled = np.maximum(np.maximum(left, self.unsettled - total), 0)
        return usable.reshape(frame.samples.shape)


def measure(grid: Grid, frame: Frame, bands: Bands, usable: NDArray[np.bool_] | None) -> Measures:
    """Measure whole hops of filtered signal; `usable` tells which samples count, None that all do."""
    emg, motion, mains = bands.emg, bands.motion, bands.mains
    channels, hops, _ = emg.shape
    counts = _counts(usable, (channels, hops * BINS_PER_HOP, grid.bin_samples))
    square = emg * emg
    if usable is not None:
        square *= usable
    bins = square.reshape(channels, -1, grid.bin_samples)
    bin_power = _mean(bins.sum(axis=2), counts, grid.bin_samples)
    per_hop = counts.reshape(channels, hops, BINS_PER_HOP).sum(axis=2)
    present = per_hop * 2 >= grid.hop_samples
    mean_hz, median_hz = _frequencies(grid, emg)
    return Measures(
        bin_power=bin_power.T,
        bin_peak=np.sqrt(bins.max(axis=2)).T,
        power=_mean(square.sum(axis=2), per_hop, grid.hop_samples).T,
        fourth=_mean(np.einsum("chs,chs->ch", square, square), per_hop, grid.hop_samples).T,
        mean_hz=np.where(present, mean_hz, np.nan).T,
        median_hz=np.where(present, median_hz, np.nan).T,
        motion=np.where(present, np.einsum("chs,chs->ch", motion, motion) / motion.shape[2], np.nan).T,
        mains=np.where(present, np.einsum("chs,chs->ch", mains, mains) / mains.shape[2], np.nan).T,
        lowest=frame.lowest.T,
        highest=frame.highest.T,
        at_extreme=_at_extreme(frame.samples).T.astype(np.float64),
    )


def _counts(usable: NDArray[np.bool_] | None, shape: tuple[int, int, int]) -> NDArray[np.int64]:
    if usable is None:
        return np.full(shape[:2], shape[2], np.int64)
    counts: NDArray[np.int64] = usable.reshape(shape).sum(axis=2, dtype=np.int64)
    return counts


def _mean(total: Array, count: NDArray[np.int64], whole: int) -> Array:
    """Return means over what is there; NaN where less than half is."""
    return np.where(2 * count >= whole, total / np.maximum(count, 1), np.nan)


def _at_extreme(samples: Array) -> NDArray[np.int64]:
    highest = samples.max(axis=2, keepdims=True)
    lowest = samples.min(axis=2, keepdims=True)
    at_top, at_bottom = (samples == highest).sum(axis=2), (samples == lowest).sum(axis=2)
    counts: NDArray[np.int64] = np.maximum(at_top, at_bottom)
    return counts


def _frequencies(grid: Grid, emg: Array) -> tuple[Array, Array]:
    """Return mean and median frequency of each hop, Hz; the median interpolated within its 10 Hz line."""
    inside, hz = _lines(grid)
    if len(hz) < 2:
        nothing = np.full(emg.shape[:2], np.nan)
        return nothing, nothing
    spectrum = np.fft.rfft(emg.astype(np.float32), axis=2)[:, :, inside]
    band = (spectrum.real**2 + spectrum.imag**2).astype(np.float64)
    total = band.sum(axis=2) + np.finfo(float).tiny
    cumulated = np.cumsum(band, axis=2) / total[:, :, None]
    place = np.minimum((cumulated < 0.5).sum(axis=2), len(hz) - 1)
    row, column = np.ogrid[: emg.shape[0], : emg.shape[1]]
    above, step = cumulated[row, column, place], band[row, column, place] / total
    within = 0.5 - np.divide(above - 0.5, step, out=np.zeros_like(step), where=step > 0)
    return band @ hz / total, hz[place] + within * (hz[1] - hz[0])


@lru_cache(maxsize=32)
def _lines(grid: Grid) -> tuple[slice, Array]:
    """Return which lines of a hop's spectrum lie in the EMG band, and their frequencies."""
    hz = np.arange(grid.hop_samples // 2 + 1) * grid.rate_hz / grid.hop_samples
    low, high = emg_band_hz(grid.rate_hz)
    inside = np.flatnonzero((hz >= 0.75 * low) & (hz <= max(high, low)))
    return (slice(int(inside[0]), int(inside[-1]) + 1), hz[inside]) if len(inside) else (slice(0), hz[:0])
