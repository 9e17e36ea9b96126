"""Histories with given powers, to try the detector's rules exactly at their bounds."""

import numpy as np
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.measures import Measures
from numpy.typing import NDArray

GRID = Grid.at_rate(1000.0)
"""Bins of 20 samples and 20 ms, hops of 100 samples and 0.1 s."""

Array = NDArray[np.float64]


def history_of_bins(bin_power: Array, *, floor: float = 1.0, first_hop: int = 0) -> History:
    """Return a history with the given power in each bin, (bins, channels); whole hops of it."""
    hops = len(bin_power) // BINS_PER_HOP
    power = bin_power[: hops * BINS_PER_HOP].reshape(hops, BINS_PER_HOP, -1).mean(axis=1)
    measures = Measures(
        bin_power=bin_power,
        bin_peak=3.0 * np.sqrt(bin_power),
        power=power,
        fourth=3.0 * power**2,
        mean_hz=np.full_like(power, 90.0),
        median_hz=np.full_like(power, 80.0),
        motion=np.full_like(power, 0.01),
        mains=np.full_like(power, 0.01),
    )
    return History(first_hop, measures, np.full_like(power, floor), np.ones(power.shape, bool))


def history_of_hops(power: Array, *, floor: float = 1.0, first_hop: int = 0) -> History:
    """Return a history with the given power in each hop, (hops, channels), the same in all of its bins."""
    return history_of_bins(np.repeat(power, BINS_PER_HOP, axis=0), floor=floor, first_hop=first_hop)
