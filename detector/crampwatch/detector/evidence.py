"""What is known of an episode, as numbers with a physiological meaning."""

from dataclasses import dataclass

import numpy as np
from crampwatch.detector.grid import BINS_PER_HOP, Grid
from crampwatch.detector.history import History
from crampwatch.detector.rhythm import Rhythm, find_rhythm
from numpy.typing import NDArray

__all__ = ["Evidence", "gather"]

Array = NDArray[np.float64]

_ONSET_S = 1.2
_PLATEAU_QUANTILE = 0.8


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence about one episode up to now. Powers in uV2 (counts2 where the scale is unknown); NaN: cannot be told.

    Attributes:
        age_s: From the first to the latest activity.
        duty: Share of that time with activity.
        rms_uv: Plateau of the strongest channel.
        snr_db: Its power over the floor.
        spread: Plateau amplitude of the strongest other channel, as a share; NaN with one channel.
        spread_early: The same in the first 1.2 s.
        other_db: Power of that other channel over its own floor, dB.
        rise_s: From the first activity to 70 % of the plateau.
        motion_ratio: Power below 12 Hz over EMG power, during the episode, above what was there before.
        motion_onset_ratio: The same around the onset, against the plateau.
        variability: Spread of the logarithm of the level from hop to hop on the plateau.
        kurtosis: 3 for many units at once or noise; more for single units.
        mean_hz: Mean frequency on the plateau.
        floor_hz: Mean frequency at rest before; NaN where no rest was seen.
        drift: Relative change of the mean frequency from the first to the second half.
        rhythm: The strongest periodicity of the envelope.
        fall_s: From 70 % of the plateau to the end; NaN while it goes on.
        mains_ratio: Change of the power at the mains lines over the EMG power.
        trend: Level of the last second over the plateau.
    """

    age_s: float
    duty: float
    rms_uv: float
    snr_db: float
    spread: float
    spread_early: float
    other_db: float
    rise_s: float
    motion_ratio: float
    motion_onset_ratio: float
    variability: float
    kurtosis: float
    mean_hz: float
    floor_hz: float
    drift: float
    rhythm: Rhythm
    fall_s: float
    mains_ratio: float
    trend: float


def gather(
    history: History, grid: Grid, *, onset_bin: int, end_bin: int, channel: int, duty: float, ended: bool
) -> Evidence:
    """Gather what the history still holds of an episode from `onset_bin` to before `end_bin` (bins since index 0)."""
    view = _View.of(history, onset_bin, end_bin)
    level = view.excess[:, channel]
    plateau = _quantile(level, _PLATEAU_QUANTILE)
    spread, other_db = _others(view, channel, plateau)
    early = max(1, round(_ONSET_S / grid.hop_s))
    spread_early, _ = _others(view.part(0, early), channel, _quantile(level[:early], _PLATEAU_QUANTILE))
    steady = _steady(level, plateau)
    return Evidence(
        age_s=(end_bin - onset_bin) * grid.bin_s,
        duty=duty,
        rms_uv=float(np.sqrt(plateau)),
        snr_db=_decibel(plateau / view.floor[channel] + 1e-9),
        spread=spread,
        spread_early=spread_early,
        other_db=other_db,
        rise_s=_rise_s(view, grid, channel, plateau),
        motion_ratio=_motion(view, channel, slice(None), plateau),
        motion_onset_ratio=_motion(view, channel, slice(0, early), plateau),
        variability=_variability(view.power[:, channel][steady]),
        kurtosis=_kurtosis(view, channel),
        mean_hz=_weighted(view.mean_hz[:, channel], level),
        floor_hz=view.floor_hz[channel],
        drift=_drift(view.mean_hz[:, channel], level),
        rhythm=find_rhythm(view.bin_power[:, channel], float(view.floor[channel]), grid.bin_s),
        fall_s=_fall_s(view, grid, channel, plateau) if ended else float("nan"),
        mains_ratio=_mains(view, channel, plateau),
        trend=_trend(level, plateau, grid),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Hops and bins of one episode, and what was before it."""

    power: Array
    excess: Array
    fourth: Array
    mean_hz: Array
    motion: Array
    mains: Array
    floor: Array
    floor_hz: Array
    motion_before: Array
    mains_before: Array
    bin_power: Array

    @classmethod
    def of(cls, history: History, onset_bin: int, end_bin: int) -> "_View":
        measures = history.measures
        first = max(0, onset_bin // BINS_PER_HOP - history.first_hop)
        last = max(first + 1, -(-end_bin // BINS_PER_HOP) - history.first_hop)
        bins = history.first_hop * BINS_PER_HOP
        floor = np.nan_to_num(_last_known(history.floor[:last]), nan=1.0)
        before = slice(max(0, first - 50), max(0, first - 1))
        power = np.nan_to_num(measures.power[first:last])
        return cls(
            power=power,
            excess=np.maximum(power - floor, 0.0),
            fourth=np.nan_to_num(measures.fourth[first:last]),
            mean_hz=measures.mean_hz[first:last],
            motion=np.nan_to_num(measures.motion[first:last]),
            mains=np.nan_to_num(measures.mains[first:last]),
            floor=floor,
            floor_hz=_middle(measures.mean_hz[before], np.nan),
            motion_before=_middle(measures.motion[before], 0.0),
            mains_before=_middle(measures.mains[before], 0.0),
            bin_power=np.nan_to_num(measures.bin_power[max(0, onset_bin - bins) : max(1, end_bin - bins)]),
        )

    def part(self, first: int, last: int) -> "_View":
        """Return some of the hops."""
        cut = {
            name: getattr(self, name)[first:last]
            for name in ("power", "excess", "fourth", "mean_hz", "motion", "mains")
        }
        kept = {
            name: getattr(self, name) for name in ("floor", "floor_hz", "motion_before", "mains_before", "bin_power")
        }
        return _View(**cut, **kept)


def _last_known(floor: Array) -> Array:
    known = np.isfinite(floor)
    place = np.where(known.any(axis=0), len(floor) - 1 - known[::-1].argmax(axis=0), 0)
    return floor[place, np.arange(floor.shape[1])]


def _middle(values: Array, default: float) -> Array:
    """Return the median of each channel over the hops that are there."""
    result = np.full(values.shape[1], default)
    for channel in range(values.shape[1]):
        known = values[:, channel][np.isfinite(values[:, channel])]
        if len(known):
            result[channel] = np.median(known)
    return result


def _quantile(values: Array, q: float) -> float:
    """Return a quantile without interpolation, at least a tiny number."""
    if not len(values):
        return 1e-12
    return max(float(np.sort(values)[int(q * (len(values) - 1))]), 1e-12)


def _others(view: _View, channel: int, plateau: float) -> tuple[float, float]:
    channels = view.power.shape[1]
    if channels == 1:
        return float("nan"), float("nan")
    levels = [_quantile(view.excess[:, c], _PLATEAU_QUANTILE) for c in range(channels)]
    other = max((c for c in range(channels) if c != channel), key=lambda c: levels[c])
    return float(np.sqrt(levels[other] / plateau)), _decibel(levels[other] / view.floor[other] + 1e-9)


def _decibel(ratio: float) -> float:
    return float(10.0 * np.log10(ratio))


def _steady(level: Array, plateau: float) -> NDArray[np.intp]:
    """Return the hops between first and last reaching half of the plateau's power."""
    high = np.flatnonzero(level >= 0.5 * plateau)
    return np.arange(high[0], high[-1] + 1) if len(high) else np.arange(len(level))


def _smooth(level: Array) -> Array:
    padded = np.concatenate([level[:1], level, level[-1:]])
    smooth: Array = (padded[:-2] + padded[1:-1] + padded[2:]) / 3.0
    return smooth


def _rise_s(view: _View, grid: Grid, channel: int, plateau: float) -> float:
    reached = np.flatnonzero(_smooth(view.excess[:, channel]) >= 0.49 * plateau)
    return float(reached[0]) * grid.hop_s if len(reached) else float(len(view.power)) * grid.hop_s


def _fall_s(view: _View, grid: Grid, channel: int, plateau: float) -> float:
    reached = np.flatnonzero(_smooth(view.excess[:, channel]) >= 0.49 * plateau)
    return float(len(view.power) - 1 - (reached[-1] if len(reached) else 0)) * grid.hop_s


def _motion(view: _View, channel: int, hops: slice, plateau: float) -> float:
    rise = np.maximum(view.motion[hops, channel] - view.motion_before[channel], 0.0)
    return float(rise.mean() / plateau) if len(rise) else 0.0


def _mains(view: _View, channel: int, plateau: float) -> float:
    return float((np.median(view.mains[:, channel]) - view.mains_before[channel]) / plateau)


def _variability(power: Array) -> float:
    if len(power) < 5:
        return float("nan")
    log = 0.5 * np.log(power + 1e-12)
    # Differences against the neighbours' mean leave a slow rise or fall out.
    return float(np.std(log[1:-1] - 0.5 * (log[:-2] + log[2:]), ddof=0) / np.sqrt(1.5))


def _kurtosis(view: _View, channel: int) -> float:
    power = view.power[:, channel]
    return float(np.median(view.fourth[:, channel] / (power * power + 1e-24)))


def _weighted(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum() / total) if total > 0 else float("nan")


def _drift(mean_hz: Array, level: Array) -> float:
    half = len(level) // 2
    first, second = _weighted(mean_hz[:half], level[:half]), _weighted(mean_hz[half:], level[half:])
    return second / first - 1.0 if half and first > 0 else 0.0


def _trend(level: Array, plateau: float, grid: Grid) -> float:
    last = level[-max(1, round(1.0 / grid.hop_s)) :]
    return float(np.sqrt(last.mean() / plateau))
