"""The features that the pipeline reports beside episodes: levels of each hop, for the live view and the store."""

import math

import numpy as np
from crampwatch.detector.model.events import Features
from crampwatch.detector.signal.grid import Grid
from crampwatch.detector.signal.history import History
from numpy.typing import NDArray

__all__ = ["build_features"]

Array = NDArray[np.float64]

_ENVELOPE_HOPS = 3  # 0.3 s: smooth enough to look at, and no later than the eye notices


def build_features(
    history: History, grid: Grid, *, first_row: int, onset_ratio: float, bits: NDArray[np.uint16]
) -> Features:
    """Return the features of the hops from a row of the history on.

    `onset_ratio` is the power over the floor at which activity begins; `bits` are the quality bits of those hops.
    """
    power = history.measures.power
    padded = power[max(0, first_row - _ENVELOPE_HOPS + 1) :]
    floor = np.sqrt(history.floor[first_row:])
    return Features(
        first_index=(history.first_hop + first_row) * grid.hop_samples,
        step_samples=grid.hop_samples,
        rms=np.sqrt(power[first_row:]),
        envelope=np.sqrt(_trailing_mean(padded, len(power) - first_row)),
        floor=floor,
        threshold=floor * math.sqrt(onset_ratio),
        median_hz=history.measures.median_hz[first_row:].copy(),
        quality=bits,
    )


def _trailing_mean(values: Array, count: int) -> Array:
    """Return, for each of the last `count` rows, the mean of the last three that are not missing; NaN if all are."""
    before = np.full((count + _ENVELOPE_HOPS - 1 - len(values), values.shape[1]), np.nan)
    padded = np.concatenate([before, values]) if len(before) else values
    is_missing = np.isnan(padded)
    if not is_missing.any():  # as nearly always
        return _sum_of_three(padded) / _ENVELOPE_HOPS
    known = _ENVELOPE_HOPS - _sum_of_three(is_missing.astype(np.float64))
    total = _sum_of_three(np.where(is_missing, 0.0, padded))
    return np.where(known > 0, total / np.maximum(known, 1.0), np.nan)


def _sum_of_three(values: Array) -> Array:
    total: Array = values[2:] + values[1:-1] + values[:-2]
    return total
