"""Evidence about an episode: numbers with a physiological meaning, measured on what the history still holds of it.

All evidence is relative: to the *plateau* of the episode (the power that a fifth of its hops exceeds, which neither a
single strong hop nor a pause moves much), to the floor, or to what was there just before. So it means the same on any
electrode, at any gain.

Evidence about the onset is gathered while the history still holds it, and stored with the episode. Evidence about the
whole is gathered at every look, from the last 20 s. Hops that were missing are left out: a gap is neither a rest
between beats nor a loss of strength. What cannot be measured is NaN, and is never replaced by a guess here.

Many functions repeat one of NumPy's in a few lines: episodes have tens of hops, and over so few values the general
functions spend most of their time on checks.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from crampwatch.detector.episodes.rhythm import Rhythm, find_rhythm
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.nan import filled
from numpy.typing import NDArray

__all__ = ["Evidence", "Excerpt", "OnsetEvidence", "gather_evidence", "gather_onset_evidence"]

Array = NDArray[np.float64]

_ONSET_S = 1.2  # muscles of one movement join within a second; later ones may be a reaction to the pain
_PLATEAU_QUANTILE = 0.8
_EARLY_S = 0.5  # a movement is at full strength by then, a cramp still gathers
_BEFORE_HOPS = 50  # compared with the 5 s before, without the last hop, into which the onset may reach
_FEWEST_BEFORE = 5  # hops before the onset that are needed to know what was there
_HIDING_HOPS = 3  # what begins as the signal comes back may have begun long before
_RISEN = 0.49  # power of 70 % of the plateau's amplitude
_TINY_MOTION = 1e-3  # uV2, far below any amplifier's noise: keeps ratios finite
_TINY_POWER = 1e-12
_SLOW_HZ = (0.8, 3.0)  # common modulation of a cramp: 1.4 +- 0.4 Hz (Minetto 2009, J Neurophysiol 102:1890)
_FAST_HZ = (8.0, 20.0)  # around and above the discharge rate of single units
_UNSTEADY_LEAST_S = 1.5  # shorter, and fewer than two lines of the spectrum lie in the slow band
_WAVERING_FEWEST = 10  # hops: a standard deviation of fewer is a matter of chance
_WAVERING_LEAST_HZ = 500.0  # sampling rate; below, noise of the band and muscle waver alike


@dataclass(frozen=True, slots=True)
class OnsetEvidence:
    """Evidence about how an episode began. Powers in uV2 (counts2 where the scale is unknown); NaN: unknown.

    Stored in checkpoints as part of an `OpenEpisode`.

    Attributes:
        rise_s: From the first activity to 70 % of the plateau of the first seconds; NaN where the signal was missing.
        early: Level half a second after the first activity, over the plateau of the first seconds.
        spread: Amplitude of the strongest other channel in the first 1.2 s, as a share of the strongest.
        other_db: Power of that other channel over its own floor, dB.
        motion_ratio: Power below 12 Hz in the first 1.2 s, above what was there before, over the EMG plateau.
        motion_jump_db: Strongest power below 12 Hz around the onset, over what was there before.
        motion_before: Power below 12 Hz before, for each channel.
        mains_before: Power at the mains lines before, for each channel.
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
            where the band is too narrow to distinguish muscle from noise by it.
        sag: Level that nine tenths of the plateau's hops exceed, over the plateau.
        mains_ratio: Change of the power at the mains lines over the EMG plateau.
        mains_step: How much the power at the mains lines differs now from before, over the EMG plateau.
        trend: Level of the last second over the plateau.
        own_share: Plateau amplitude as a share of the wearer's own hardest effort there; NaN without a calibration.
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


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What the history still holds of one episode, without the hops in which its strongest channel was missing.

    Values that are missing nevertheless are 0.

    Attributes:
        history: Up to the present hop.
        channel: The strongest one; `power`, `level`, `plateau` and `bin_power` are of this one.
        first: Row of the history in which the episode begins.
        hops: Rows of the history that belong to the episode.
        age_s: From its first to its latest activity.
        power: Of each hop; (hops,).
        levels: Power over the floor of each hop on all channels; (hops, channels).
        level: The same on the strongest channel; (hops,).
        plateau: The level that a fifth of the hops exceeds.
        floor: Resting power of all channels; (channels,).
        bin_power: Of each bin; (bins,).
    """

    history: History
    grid: Grid
    channel: int
    first: int
    hops: slice | NDArray[np.intp]
    age_s: float
    power: Array
    levels: Array
    level: Array
    plateau: float
    floor: Array
    bin_power: Array

    @classmethod
    def of(cls, history: History, grid: Grid, *, onset_bin: int, end_bin: int, channel: int) -> "Excerpt":
        """Return the excerpt from `onset_bin` to before `end_bin`, counted since sample index 0."""
        first = max(0, onset_bin // BINS_PER_HOP - history.first_hop)
        last = max(first + 1, -(-end_bin // BINS_PER_HOP) - history.first_hop)
        base = history.first_hop * BINS_PER_HOP
        floor = _last_known(history.floor[:last])
        is_present = np.isfinite(history.measures.power[first:last, channel])
        hops, bins = _present_rows(is_present, first, max(0, onset_bin - base), max(1, end_bin - base))
        power = history.measures.power[hops]
        levels = filled(power - floor)
        level = levels[:, channel]
        return cls(
            history=history,
            grid=grid,
            channel=channel,
            first=first,
            hops=hops,
            age_s=(end_bin - onset_bin) * grid.bin_s,
            power=filled(power[:, channel]),
            levels=levels,
            level=level,
            plateau=_lower_quantile(level, _PLATEAU_QUANTILE),
            floor=floor,
            bin_power=filled(history.measures.bin_power[bins, channel]),
        )

    def of_hops(self, measure: Array) -> Array:
        """Return a measure of the history, (hops, channels), in the hops of the episode; (hops,)."""
        return measure[self.hops, self.channel]


def gather_onset_evidence(excerpt: Excerpt) -> OnsetEvidence:
    """Gather evidence about the onset of an episode, as long as the history still holds it."""
    measures, channel, plateau = excerpt.history.measures, excerpt.channel, excerpt.plateau
    before = slice(max(0, excerpt.first - _BEFORE_HOPS), max(0, excerpt.first - 1))
    motion = _channel_medians(measures.motion[before])
    early = max(1, round(_ONSET_S / excerpt.grid.hop_s))
    smooth = _smooth_over_three(excerpt.level)
    is_seen = bool(np.isfinite(measures.power[max(0, excerpt.first - _HIDING_HOPS) : excerpt.first, channel]).any())
    half_a_second = min(round(_EARLY_S / excerpt.grid.hop_s), len(smooth) - 1)
    spread, other_db = _strongest_other(
        excerpt, excerpt.levels[:early], _lower_quantile(excerpt.level[:early], _PLATEAU_QUANTILE)
    )
    return OnsetEvidence(
        rise_s=_rise_s(smooth, excerpt.grid, plateau) if is_seen else math.nan,
        early=math.sqrt(smooth[half_a_second] / plateau) if is_seen else math.nan,
        spread=spread,
        other_db=other_db,
        motion_ratio=_over_before(excerpt.of_hops(measures.motion)[:early], motion[channel], plateau),
        motion_jump_db=_motion_jump_db(excerpt, motion[channel]),
        motion_before=motion,
        mains_before=_channel_medians(measures.mains[before]),
    )


def gather_evidence(excerpt: Excerpt, onset: OnsetEvidence, *, own_effort: float = math.nan) -> Evidence:
    """Gather evidence about an episode as a whole.

    `own_effort` is the amplitude of the wearer's own hardest effort on its channel; NaN without a calibration.
    """
    measures, channel, level, plateau = excerpt.history.measures, excerpt.channel, excerpt.level, excerpt.plateau
    spread, other_db = _strongest_other(excerpt, excerpt.levels, plateau)
    floor = float(excerpt.floor[channel])
    first, last = _steady_range(level, plateau)
    mains_before = onset.mains_before[channel]
    return Evidence(
        onset=onset,
        age_s=excerpt.age_s,
        rms_uv=math.sqrt(plateau),
        snr_db=_to_decibel(plateau / floor + 1e-9),
        spread=spread,
        other_db=other_db,
        motion_ratio=_over_before(excerpt.of_hops(measures.motion), onset.motion_before[channel], plateau),
        kurtosis=_median_kurtosis(filled(excerpt.of_hops(measures.fourth)), excerpt.power),
        mean_hz=_weighted_mean(excerpt.of_hops(measures.mean_hz), level),
        rhythm=find_rhythm(excerpt.bin_power, floor, excerpt.grid.bin_s),
        unsteadiness=_measure_unsteadiness(excerpt.bin_power[first * BINS_PER_HOP : last * BINS_PER_HOP], excerpt.grid),
        wavering=_log_deviation(level[first:last], excerpt.grid),
        sag=_lowest_tenth(level[first:last], plateau),
        mains_ratio=(_median(filled(excerpt.of_hops(measures.mains))) - mains_before) / plateau,
        mains_step=_mains_step(measures.mains[-2:, channel], mains_before) / plateau,
        trend=_latest_level(level, plateau, excerpt.grid),
        own_share=math.sqrt(plateau) / own_effort,
    )


def _present_rows(
    is_present: NDArray[np.bool_], first: int, first_bin: int, end_bin: int
) -> tuple[slice | NDArray[np.intp], slice | NDArray[np.intp]]:
    """Return the rows of hops and of bins, without those that were missing; all of them where all were missing."""
    if is_present.all() or not is_present.any():  # as nearly always
        return slice(first, first + len(is_present)), slice(first_bin, end_bin)
    bins = np.arange(first_bin, end_bin)
    hop_of_bin = np.minimum(bins // BINS_PER_HOP - first, len(is_present) - 1)
    return first + np.flatnonzero(is_present), bins[is_present[hop_of_bin]]


def _last_known(floor: Array) -> Array:
    """Return the latest known floor of each channel; 1 where there was none."""
    latest: Array = floor[-1]
    if np.isfinite(latest).all():  # as nearly always
        return latest
    known = np.isfinite(floor)
    place = np.where(known.any(axis=0), len(floor) - 1 - known[::-1].argmax(axis=0), 0)
    found: Array = floor[place, np.arange(floor.shape[1])]
    found[np.isnan(found)] = 1.0
    return found


def _channel_medians(values: Array) -> tuple[float, ...]:
    """Return the (lower) median of each channel over the hops that are not missing; 0 where all are."""
    ordered = np.sort(values, axis=0)  # NaN comes last
    counts = np.add.reduce(np.isfinite(ordered), axis=0).tolist()
    return tuple(float(ordered[(count - 1) // 2, c]) if count else 0.0 for c, count in enumerate(counts))


def _lower_quantile(values: Array, q: float) -> float:
    """Return a quantile without interpolation, at least a tiny number."""
    if not len(values):
        return _TINY_POWER
    return max(float(np.sort(values)[int(q * (len(values) - 1))]), _TINY_POWER)


def _strongest_other(excerpt: Excerpt, levels: Array, plateau: float) -> tuple[float, float]:
    """Return the amplitude of the strongest other channel as a share, and its power over its own floor in dB."""
    if levels.shape[1] == 1:
        return math.nan, math.nan
    highest = np.sort(levels, axis=0)[int(_PLATEAU_QUANTILE * (len(levels) - 1))].tolist()
    level, other = max((level, -channel) for channel, level in enumerate(highest) if channel != excerpt.channel)
    level = max(level, _TINY_POWER)
    return math.sqrt(level / plateau), _to_decibel(level / float(excerpt.floor[-other]) + 1e-9)


def _to_decibel(ratio: float) -> float:
    return 10.0 * math.log10(ratio)


def _mean(values: Array) -> float:
    """Return what `numpy.mean` does, which takes three times as long over so few values."""
    return float(np.add.reduce(values)) / len(values)


def _steady_range(level: Array, plateau: float) -> tuple[int, int]:
    """Return the first hop that reaches half of the plateau's power, and the one after the last that does."""
    (high,) = (level >= 0.5 * plateau).nonzero()
    return (int(high[0]), int(high[-1]) + 1) if len(high) else (0, len(level))


def _smooth_over_three(level: Array) -> Array:
    padded = np.concatenate([level[:1], level, level[-1:]])
    smooth: Array = (padded[:-2] + padded[1:-1] + padded[2:]) / 3.0
    return smooth


def _rise_s(smooth: Array, grid: Grid, plateau: float) -> float:
    (reached,) = (smooth >= _RISEN * plateau).nonzero()
    return float(reached[0] if len(reached) else len(smooth)) * grid.hop_s


def _motion_jump_db(excerpt: Excerpt, before: float) -> float:
    """Return the strongest slow wave around the onset over what was there before; NaN where that is unknown."""
    first = excerpt.first
    motion = excerpt.history.measures.motion
    around = motion[max(0, first - 3) : first + round(_ONSET_S / excerpt.grid.hop_s), excerpt.channel].tolist()
    known = [power for power in around if math.isfinite(power)]
    if first < _FEWEST_BEFORE or not known:
        return math.nan
    return _to_decibel((max(known) + _TINY_MOTION) / (before + _TINY_MOTION))


def _measure_unsteadiness(bin_power: Array, grid: Grid) -> float:
    """Return the slow over the fast wavering of the amplitude on the plateau; NaN where the plateau is too short."""
    count = len(bin_power)
    if count * grid.bin_s < _UNSTEADY_LEAST_S:
        return math.nan
    amplitude = np.sqrt(bin_power)
    ramp, window = _ramp_and_window(count)
    transform = np.fft.rfft((amplitude - _mean(amplitude) - (ramp @ amplitude) * ramp) * window)
    spectrum = (transform.real**2 + transform.imag**2) / (0.375 * count)  # the mean square of a Hann window
    step_hz = 1.0 / (count * grid.bin_s)
    slow, fast = (spectrum[math.ceil(low / step_hz) : math.ceil(high / step_hz)] for low, high in (_SLOW_HZ, _FAST_HZ))
    if not len(slow) or not len(fast):
        return math.nan
    return math.log10((_mean(slow) + 1e-12) / (_mean(fast) + 1e-12))


@lru_cache(maxsize=256)
def _ramp_and_window(count: int) -> tuple[Array, Array]:
    """Return a ramp of norm 1 around 0, to take the trend out with, and a Hann window. Callers must not change them.

    Lengths are whole hops of at most 20 s, so all of them fit in the cache.
    """
    ramp = np.linspace(-1.0, 1.0, count)
    ramp /= math.sqrt(ramp @ ramp)
    return ramp, np.hanning(count)


def _log_deviation(level: Array, grid: Grid) -> float:
    if len(level) < _WAVERING_FEWEST or grid.rate_hz < _WAVERING_LEAST_HZ:
        return math.nan
    logarithm = np.log(level + 1e-9)
    logarithm -= _mean(logarithm)
    return math.sqrt(_mean(logarithm * logarithm))


def _lowest_tenth(level: Array, plateau: float) -> float:
    ordered = np.sort(level)
    return math.sqrt(ordered[len(ordered) // 10] / plateau)


def _over_before(values: Array, before: float, plateau: float) -> float:
    return _mean(filled(values - before)) / plateau


def _median_kurtosis(fourth: Array, power: Array) -> float:
    return _median(fourth / (power * power + 1e-24))


def _median(values: Array) -> float:
    """Return what `numpy.median` does, which takes ten times as long over so few values."""
    ordered = np.sort(values)
    return 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def _weighted_mean(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    values, weights = values[known], weights[known]
    total = float(np.add.reduce(weights))
    return float(values @ weights) / total if total > 0 else math.nan


def _mains_step(latest: Array, before: float) -> float:
    return abs(_mean(filled(latest)) - before)


def _latest_level(level: Array, plateau: float, grid: Grid) -> float:
    return math.sqrt(_mean(level[-max(1, round(1.0 / grid.hop_s)) :]) / plateau)
