"""What is known of an episode, as numbers with a physiological meaning."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from crampwatch.detector.grid import BINS_PER_HOP, Grid
from crampwatch.detector.history import History
from crampwatch.detector.missing import filled
from crampwatch.detector.rhythm import Rhythm, find_rhythm
from numpy.typing import NDArray

__all__ = ["Evidence", "OnsetEvidence", "gather", "gather_onset"]

Array = NDArray[np.float64]

_ONSET_S = 1.2
_PLATEAU_QUANTILE = 0.8
_EARLY_S = 0.5
_FEWEST_BEFORE = 5  # hops before the beginning from which it can be told what was there
_HIDING_HOPS = 3  # what begins as the signal comes back may have begun long before
_TINY_MOTION = 1e-3
_SLOW_HZ = (0.8, 3.0)  # common modulation of a cramp: 1.4 +- 0.4 Hz (Minetto 2009, J Neurophysiol 102:1890)
_FAST_HZ = (8.0, 20.0)
_UNSTEADY_LEAST_S = 1.5
_WAVERING_FEWEST = 10  # hops
_WAVERING_LEAST_HZ = 500.0  # below, noise of the band and muscle waver alike


@dataclass(frozen=True, slots=True)
class OnsetEvidence:
    """Evidence about how an episode began. Powers in uV2 (counts2 where the scale is unknown); NaN: cannot be told.

    Attributes:
        rise_s: From the first activity to 70 % of the plateau of the first seconds; NaN where the signal was missing.
        early: Level half a second after the first activity, over the plateau of the first seconds.
        spread: Amplitude of the strongest other channel in the first 1.2 s, as a share of the strongest.
        other_db: Power of that other channel over its own floor, dB.
        motion_ratio: Power below 12 Hz in the first 1.2 s, above what was there before, over the EMG plateau.
        motion_jump_db: Strongest power below 12 Hz around the beginning, over what was there before.
        motion_before: Power below 12 Hz before; (channels,).
        mains_before: Power at the mains lines before; (channels,).
    """

    rise_s: float
    early: float
    spread: float
    other_db: float
    motion_ratio: float
    motion_jump_db: float
    motion_before: tuple[float, ...]
    mains_before: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence about one episode up to now, from the last 20 s of it. Units as in `OnsetEvidence`.

    Attributes:
        onset: How it began.
        age_s: From the first to the latest activity.
        rms_uv: Plateau of the strongest channel.
        snr_db: Its power over the floor.
        spread: Plateau amplitude of the strongest other channel, as a share; NaN with one channel.
        other_db: Power of that other channel over its own floor, dB.
        motion_ratio: Power below 12 Hz, above what was there before, over the EMG plateau.
        kurtosis: 3 for many units at once or noise; more for single units.
        mean_hz: Mean frequency on the plateau.
        rhythm: The strongest periodicity of the envelope.
        unsteadiness: How the amplitude wavers at 0.8-3 Hz on the plateau, over how it does at 8-20 Hz, decades of
            power: regular discharge leaves little below its rate, irregular discharge and a common drive of 1-2 Hz do.
        wavering: Standard deviation of the logarithm of the power of the plateau's hops; NaN where they are few, or
            where the band is too narrow to tell muscle from noise by it.
        sag: Level that nine tenths of the plateau's hops exceed, over the plateau.
        mains_ratio: Change of the power at the mains lines over the EMG plateau.
        mains_step: How much the power at the mains lines differs now from before, over the EMG plateau.
        trend: Level of the last second over the plateau.
        own_share: Plateau as a share of the wearer's own hardest effort there; NaN without a personal calibration.
    """

    onset: OnsetEvidence
    age_s: float
    rms_uv: float
    snr_db: float
    spread: float
    other_db: float
    motion_ratio: float
    kurtosis: float
    mean_hz: float
    rhythm: Rhythm
    unsteadiness: float
    wavering: float
    sag: float
    mains_ratio: float
    mains_step: float
    trend: float
    own_share: float = math.nan


def gather_onset(history: History, grid: Grid, *, onset_bin: int, end_bin: int, channel: int) -> OnsetEvidence:
    """Gather what is known of the beginning of an episode that the history still holds."""
    view = _View.of(history, onset_bin, end_bin, channel)
    first = max(0, onset_bin // BINS_PER_HOP - history.first_hop)
    before = slice(max(0, first - 50), max(0, first - 1))
    motion = _middle(history.measures.motion[before], 0.0)
    level = view.excess[:, channel]
    plateau = _quantile(level, _PLATEAU_QUANTILE)
    early = view.part(0, max(1, round(_ONSET_S / grid.hop_s)))
    smooth = _smooth(level)
    is_seen = bool(np.isfinite(history.measures.power[max(0, first - _HIDING_HOPS) : first, channel]).any())
    spread, other_db = _others(early, channel, _quantile(early.excess[:, channel], _PLATEAU_QUANTILE))
    return OnsetEvidence(
        rise_s=_rise_s(smooth, grid, plateau) if is_seen else math.nan,
        early=float(np.sqrt(smooth[min(round(_EARLY_S / grid.hop_s), len(smooth) - 1)] / plateau))
        if is_seen
        else math.nan,
        spread=spread,
        other_db=other_db,
        motion_ratio=_over_before(early.motion[:, channel], motion[channel], plateau),
        motion_jump_db=_motion_jump_db(history, first, channel, motion[channel], grid),
        motion_before=tuple(motion.tolist()),
        mains_before=tuple(_middle(history.measures.mains[before], 0.0).tolist()),
    )


def gather(
    history: History,
    grid: Grid,
    onset: OnsetEvidence,
    *,
    onset_bin: int,
    end_bin: int,
    channel: int,
    own: float = math.nan,
) -> Evidence:
    """Gather what the history still holds of an episode from `onset_bin` to before `end_bin` (bins since index 0).

    `own` is the amplitude of the wearer's own hardest effort on that channel.
    """
    view = _View.of(history, onset_bin, end_bin, channel)
    level = view.excess[:, channel]
    plateau = _quantile(level, _PLATEAU_QUANTILE)
    spread, other_db = _others(view, channel, plateau)
    steady = _steady(level, plateau)
    return Evidence(
        onset=onset,
        age_s=(end_bin - onset_bin) * grid.bin_s,
        rms_uv=float(np.sqrt(plateau)),
        snr_db=_decibel(plateau / view.floor[channel] + 1e-9),
        spread=spread,
        other_db=other_db,
        motion_ratio=_over_before(view.motion[:, channel], onset.motion_before[channel], plateau),
        kurtosis=_kurtosis(view, channel),
        mean_hz=_weighted(view.mean_hz[:, channel], level),
        rhythm=find_rhythm(view.bin_power[:, channel], float(view.floor[channel]), grid.bin_s),
        unsteadiness=_unsteadiness(view.bin_power[:, channel], steady, grid),
        wavering=_wavering(level[steady], grid),
        sag=_sag(level[steady], plateau),
        mains_ratio=float((_median(view.mains[:, channel]) - onset.mains_before[channel]) / plateau),
        mains_step=_mains_step(history, onset.mains_before[channel], channel) / plateau,
        trend=_trend(level, plateau, grid),
        own_share=float(np.sqrt(plateau)) / own,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Hops and bins of one episode in which its channel was heard, and what was before it."""

    power: Array
    excess: Array
    fourth: Array
    mean_hz: Array
    motion: Array
    mains: Array
    floor: Array
    bin_power: Array

    @classmethod
    def of(cls, history: History, onset_bin: int, end_bin: int, channel: int) -> "_View":
        measures = history.measures
        base = history.first_hop * BINS_PER_HOP
        first = max(0, onset_bin // BINS_PER_HOP - history.first_hop)
        last = max(first + 1, -(-end_bin // BINS_PER_HOP) - history.first_hop)
        floor = filled(_last_known(history.floor[:last]), 1.0)
        hops, bins = _heard(measures.power[:, channel], first, last, max(0, onset_bin - base), max(1, end_bin - base))
        power = filled(measures.power[hops])
        return cls(
            power=power,
            excess=np.maximum(power - floor, 0.0),
            fourth=filled(measures.fourth[hops]),
            mean_hz=measures.mean_hz[hops],
            motion=filled(measures.motion[hops]),
            mains=filled(measures.mains[hops]),
            floor=floor,
            bin_power=filled(measures.bin_power[bins]),
        )

    def part(self, first: int, last: int) -> "_View":
        """Return some of the hops."""
        names = ("power", "excess", "fourth", "mean_hz", "motion", "mains")
        return replace(self, **{name: getattr(self, name)[first:last] for name in names})


def _heard(
    power: Array, first: int, last: int, first_bin: int, end_bin: int
) -> tuple[slice | NDArray[np.intp], slice | NDArray[np.intp]]:
    """Return the hops and bins of a stretch without those that were missing: a gap is no rest between beats."""
    heard = np.isfinite(power[first:last])
    if heard.all() or not heard.any():  # as nearly always
        return slice(first, last), slice(first_bin, end_bin)
    bins = np.arange(first_bin, end_bin)
    return first + np.flatnonzero(heard), bins[heard[np.minimum(bins // BINS_PER_HOP - first, len(heard) - 1)]]


def _last_known(floor: Array) -> Array:
    latest: Array = floor[-1]
    if np.isfinite(latest).all():  # as nearly always
        return latest
    known = np.isfinite(floor)
    place = np.where(known.any(axis=0), len(floor) - 1 - known[::-1].argmax(axis=0), 0)
    return floor[place, np.arange(floor.shape[1])]


def _middle(values: Array, default: float) -> Array:
    """Return the median of each channel over the hops that are there."""
    columns = ([value for value in column if math.isfinite(value)] for column in values.T.tolist())
    return np.array([sorted(known)[(len(known) - 1) // 2] if known else default for known in columns])


def _quantile(values: Array, q: float) -> float:
    """Return a quantile without interpolation, at least a tiny number."""
    if not len(values):
        return 1e-12
    return max(float(np.sort(values)[int(q * (len(values) - 1))]), 1e-12)


def _others(view: _View, channel: int, plateau: float) -> tuple[float, float]:
    channels = view.power.shape[1]
    if channels == 1 or not len(view.power):
        return float("nan"), float("nan")
    levels = np.sort(view.excess, axis=0)[int(_PLATEAU_QUANTILE * (len(view.excess) - 1))].clip(1e-12).tolist()
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


def _rise_s(smooth: Array, grid: Grid, plateau: float) -> float:
    reached = np.flatnonzero(smooth >= 0.49 * plateau)
    return float(reached[0] if len(reached) else len(smooth)) * grid.hop_s


def _motion_jump_db(history: History, first: int, channel: int, before: float, grid: Grid) -> float:
    """Compare the strongest slow wave around the beginning with what was there before; NaN where that is not known."""
    around = history.measures.motion[max(0, first - 3) : first + round(_ONSET_S / grid.hop_s), channel]
    known = around[np.isfinite(around)]
    if first < _FEWEST_BEFORE or not len(known):
        return float("nan")
    return _decibel((float(known.max()) + _TINY_MOTION) / (before + _TINY_MOTION))


def _unsteadiness(bin_power: Array, steady: NDArray[np.intp], grid: Grid) -> float:
    """Compare slow with fast wavering of the amplitude on the plateau; NaN where it is too short to tell."""
    first, last = int(steady[0]) * BINS_PER_HOP, (int(steady[-1]) + 1) * BINS_PER_HOP
    amplitude = np.sqrt(bin_power[first:last])
    count = len(amplitude)
    if count * grid.bin_s < _UNSTEADY_LEAST_S:
        return float("nan")
    place = np.arange(count) - (count - 1) / 2
    slope = (place @ amplitude) / (place @ place)
    transform = np.fft.rfft((amplitude - amplitude.mean() - slope * place) * _hann(count))
    spectrum = (transform.real**2 + transform.imag**2) / (0.375 * count)  # the mean square of a Hann window
    step_hz = 1.0 / (count * grid.bin_s)
    slow, fast = (
        spectrum[int(np.ceil(low / step_hz)) : int(np.ceil(high / step_hz))] for low, high in (_SLOW_HZ, _FAST_HZ)
    )
    if not len(slow) or not len(fast):
        return float("nan")
    return float(np.log10((slow.mean() + 1e-12) / (fast.mean() + 1e-12)))


@lru_cache(maxsize=256)
def _hann(count: int) -> Array:
    """Return a Hann window; to be read only. Lengths are whole hops of at most 20 s, so that all are kept."""
    return np.hanning(count)


def _wavering(level: Array, grid: Grid) -> float:
    if len(level) < _WAVERING_FEWEST or grid.rate_hz < _WAVERING_LEAST_HZ:
        return float("nan")
    return float(np.std(np.log(level + 1e-9)))


def _sag(level: Array, plateau: float) -> float:
    ordered = np.sort(level)
    return float(np.sqrt(ordered[len(ordered) // 10] / plateau))


def _over_before(values: Array, before: float, plateau: float) -> float:
    return float(np.maximum(values - before, 0.0).mean() / plateau)


def _kurtosis(view: _View, channel: int) -> float:
    power = view.power[:, channel]
    return _median(view.fourth[:, channel] / (power * power + 1e-24))


def _median(values: Array) -> float:
    """Return what `numpy.median` does, which takes ten times as long over so few values."""
    ordered = np.sort(values)
    return 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def _weighted(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum() / total) if total > 0 else float("nan")


def _mains_step(history: History, before: float, channel: int) -> float:
    latest = history.measures.mains[-2:, channel]
    return abs(float(filled(latest).mean()) - before)


def _trend(level: Array, plateau: float, grid: Grid) -> float:
    last = level[-max(1, round(1.0 / grid.hop_s)) :]
    return float(np.sqrt(last.mean() / plateau))
