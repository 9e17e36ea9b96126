"""Counts found, missed and false events per recording, and turns the counts into figures with confidence intervals.

A `Tally` holds the counts of one kind in one recording; tallies of many recordings are pooled into a `Score`.

Intervals are 95 % percentile intervals of a bootstrap that resamples whole recordings, not events: the events of one
night share a wearer, an electrode and a noise floor, so resampling events would promise too much. Where all samples
agree, as with no false alarm at all, or where there is a single recording, a bootstrap would claim certainty; then the
exact interval of the counts is given (Clopper & Pearson 1934 for shares, Garwood 1936 for rates).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.scoring.matching import Interval, Match
from crampwatch.detector.scoring.revisions import Trail
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv

__all__ = ["Figure", "Score", "Tally", "pooled", "score", "tally"]

Floats = NDArray[np.float64]

_NIGHT_S = 8 * 3600.0  # rates are given per night of eight hours
_RESAMPLES = 1000  # the 2.5 % point then rests on 25 of them, and varies less than the figures are rounded
_SEED = 20_110_815  # any, but always the same: a report must be reproducible to the last digit
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts for one kind in one recording, or pooled over several. Errors in seconds, one value per event found.

    Attributes:
        events: Events that should be found.
        found: Events that were found.
        false: False alarms in the final result.
        duration_s: Time observed.
        onset_errors_s: Onset of the episode less that of the event.
        offset_errors_s: The same for the ends.
        latencies_s: From the onset of the event until this kind was first reported live.
        overlaps: Intersection of event and episodes over their union.
        alarms: Episodes that had this kind at any time of the live run.
        taken_back: Alarms that had another kind, or were retracted, in the end.
        false_alarms_live: Alarms that belong to no event, whatever became of them.
    """

    events: int = 0
    found: int = 0
    false: int = 0
    duration_s: float = 0.0
    onset_errors_s: tuple[float, ...] = ()
    offset_errors_s: tuple[float, ...] = ()
    latencies_s: tuple[float, ...] = ()
    overlaps: tuple[float, ...] = ()
    alarms: int = 0
    taken_back: int = 0
    false_alarms_live: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; NaN where there is no data for it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well one kind was found. The names are also those of the JSON report.

    Attributes:
        counts: All recordings pooled.
        recordings: How many there were.
        sensitivity: Share of events found.
        precision: Share of alarms that belong to an event.
        f1: Harmonic mean of both.
        false_per_8h: False alarms per night of 8 h in the final result.
        false_live_per_8h: The same for everything that was ever reported live.
        onset_error_s: Median absolute error of the onsets.
        offset_error_s: Median absolute error of the ends.
        latency_s: Median time from the true onset until it was reported live.
        overlap: Median of intersection over union of event and episodes.
        taken_back: Share of live alarms that were withdrawn later.
    """

    counts: Tally
    recordings: int
    sensitivity: Figure
    precision: Figure
    f1: Figure
    false_per_8h: Figure
    false_live_per_8h: Figure
    onset_error_s: Figure
    offset_error_s: Figure
    latency_s: Figure
    overlap: Figure
    taken_back: Figure


def tally(
    matched: Match, *, kind: EpisodeKind, duration_s: float, live: Match | None = None, alarms: Sequence[Trail] = ()
) -> Tally:
    """Count one kind in one recording.

    Args:
        matched: Events and final episodes of this kind.
        kind: The kind.
        duration_s: Time observed.
        live: Events and `alarms`, matched; None where only the final result is known.
        alarms: Trails that had this kind at any time.
    """
    return Tally(
        events=len(matched.pairs) + len(matched.missed),
        found=len(matched.pairs),
        false=len(matched.false),
        duration_s=duration_s,
        onset_errors_s=tuple(pair.onset_error_s for pair in matched.pairs),
        offset_errors_s=tuple(pair.offset_error_s for pair in matched.pairs),
        latencies_s=_latencies_s(live, kind) if live else (),
        overlaps=tuple(pair.overlap for pair in matched.pairs),
        alarms=len(alarms),
        taken_back=sum(one.was_withdrawn(kind) for one in alarms),
        false_alarms_live=len(live.false) if live else 0,
    )


def pooled(tallies: Iterable[Tally]) -> Tally:
    """Return the counts of several recordings as if they were one."""
    parts = list(tallies)
    return Tally(
        events=sum(one.events for one in parts),
        found=sum(one.found for one in parts),
        false=sum(one.false for one in parts),
        duration_s=sum(one.duration_s for one in parts),
        onset_errors_s=_concatenated(one.onset_errors_s for one in parts),
        offset_errors_s=_concatenated(one.offset_errors_s for one in parts),
        latencies_s=_concatenated(one.latencies_s for one in parts),
        overlaps=_concatenated(one.overlaps for one in parts),
        alarms=sum(one.alarms for one in parts),
        taken_back=sum(one.taken_back for one in parts),
        false_alarms_live=sum(one.false_alarms_live for one in parts),
    )


def score(tallies: Sequence[Tally]) -> Score:
    """Turn the tallies of recordings into figures; the same tallies always give the same intervals."""
    resampled = _Resampling(tallies)
    found, missed, false = (
        resampled.sums("found"),
        resampled.sums("events") - resampled.sums("found"),
        resampled.sums("false"),
    )
    duration = resampled.sums("duration_s")
    return Score(
        counts=pooled(tallies),
        recordings=len(tallies),
        sensitivity=_share_figure(found, found + missed),
        precision=_share_figure(found, found + false),
        f1=_percentile_figure(_safe_ratio(2.0 * found, 2.0 * found + false + missed)),
        false_per_8h=_rate_figure(false, duration),
        false_live_per_8h=_rate_figure(resampled.sums("false_alarms_live"), duration),
        onset_error_s=_percentile_figure(resampled.medians([np.abs(one.onset_errors_s) for one in tallies])),
        offset_error_s=_percentile_figure(resampled.medians([np.abs(one.offset_errors_s) for one in tallies])),
        latency_s=_percentile_figure(resampled.medians([np.array(one.latencies_s) for one in tallies])),
        overlap=_percentile_figure(resampled.medians([np.array(one.overlaps) for one in tallies])),
        taken_back=_share_figure(resampled.sums("taken_back"), resampled.sums("alarms")),
    )


class _Resampling:
    """All recordings once, then random samples of as many of them, with replacement."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies
        count = len(tallies)
        samples = np.random.default_rng(_SEED).integers(max(count, 1), size=(_RESAMPLES if count > 1 else 0, count))
        self._places = np.concatenate([np.arange(count)[None, :], samples])

    def sums(self, name: str) -> Floats:
        """Return the sum of a count over each sample of recordings; the first value is that of all recordings."""
        counts = np.array([getattr(one, name) for one in self._tallies], dtype=np.float64)
        return np.asarray(counts[self._places].sum(axis=1))

    def medians(self, values: Sequence[Floats]) -> Floats:
        """Return the median of the pooled values of each sample of recordings."""
        return np.array([_median_of_all([values[place] for place in row]) for row in self._places.tolist()])


def _latencies_s(live: Match, kind: EpisodeKind) -> tuple[float, ...]:
    reported = ((pair.event, _first_called_s(pair.episodes, kind)) for pair in live.pairs)
    return tuple(at_s - event.onset_s for event, at_s in reported if at_s is not None)


def _first_called_s(trails: Sequence[Interval], kind: EpisodeKind) -> float | None:
    times_s = [one.first_called_s(kind) for one in trails if isinstance(one, Trail)]
    return min((at_s for at_s in times_s if at_s is not None), default=None)


def _median_of_all(values: Sequence[Floats]) -> float:
    joined = np.concatenate(values) if values else np.empty(0)
    return float(np.median(joined)) if joined.size else math.nan


def _safe_ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, math.nan), where=whole > 0))


def _percentile_figure(drawn: Floats) -> Figure:
    """Return the figure of all recordings with the interval of the draws; no interval from a single recording."""
    draws = drawn[1:][np.isfinite(drawn[1:])]
    low, high = np.quantile(draws, (_LOW, _HIGH)).tolist() if draws.size else (math.nan, math.nan)
    return Figure(float(drawn[0]), low, high)


def _share_figure(part: Floats, whole: Floats) -> Figure:
    hits, tries = float(part[0]), float(whole[0])
    if not tries or (0 < hits < tries and len(part) > 1):
        return _percentile_figure(_safe_ratio(part, whole))
    low = float(betaincinv(hits, tries - hits + 1, _LOW)) if hits else 0.0
    high = float(betaincinv(hits + 1, tries - hits, _HIGH)) if hits < tries else 1.0
    return Figure(hits / tries, low, high)


def _rate_figure(counts: Floats, duration_s: Floats) -> Figure:
    count, nights = float(counts[0]), float(duration_s[0]) / _NIGHT_S
    if not nights or (count and len(counts) > 1):
        return _percentile_figure(_safe_ratio(counts * _NIGHT_S, duration_s))
    low = float(gammaincinv(count, _LOW)) if count else 0.0
    return Figure(count / nights, low / nights, float(gammaincinv(count + 1, _HIGH)) / nights)


def _concatenated(parts: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(value for part in parts for value in part)
