"""Counts what was found, missed and falsely alarmed in recordings, and turns counts into figures with intervals.

Intervals come from drawing whole recordings anew (bootstrap), since the events of one night are alike. Where all draws
agree, as with no false alarm at all, the bootstrap would claim certainty: then the exact interval of the counts is
given (Clopper & Pearson 1934 for shares, Garwood 1936 for rates).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.scoring.matching import Happened, Match
from crampwatch.detector.scoring.revisions import Trail
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv

__all__ = ["Figure", "Score", "Tally", "pooled", "score", "tally"]

Floats = NDArray[np.float64]

_NIGHT_S = 8 * 3600.0
_DRAWS = 1000
_SEED = 20_110_815
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Tally:
    """What came out for one kind in one recording, or in several. Errors in seconds, one value an event found.

    Attributes:
        events: Events that should be found.
        found: Events that were found.
        false: False alarms.
        duration_s: Time observed.
        onset_errors_s: Episode's onset less the event's.
        offset_errors_s: The same for the ends.
        latencies_s: From the event's onset until this kind was first said, live.
        overlaps: Share of the union of event and episodes that both cover.
        alarms: Episodes that were called this kind at any time, live.
        taken_back: Those of them that are not any more.
        false_alarms_live: Those of them that were about no event, whatever became of them.
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
    """A figure with its 95 % interval; NaN where there is nothing to tell it from."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well one kind was found.

    Attributes:
        counts: All recordings together.
        recordings: How many.
        sensitivity: Share of events found.
        precision: Share of alarms that are about an event.
        f1: Harmonic mean of both.
        false_per_8h: False alarms a night of 8 h, as finally judged.
        false_live_per_8h: The same of what was ever said live.
        onset_error_s: Median distance of the onsets.
        offset_error_s: Median distance of the ends.
        latency_s: Median time from true onset until it was said live.
        overlap: Median share of the union of event and episodes that both cover.
        taken_back: Share of live alarms that were taken back.
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
    """Count one recording.

    Args:
        matched: Events and final episodes of the kind.
        kind: Which.
        duration_s: Time observed.
        live: Events and all trails that were called this kind at any time.
        alarms: Those trails.
    """
    return Tally(
        events=len(matched.pairs) + len(matched.missed),
        found=len(matched.pairs),
        false=len(matched.false),
        duration_s=duration_s,
        onset_errors_s=tuple(pair.onset_error_s for pair in matched.pairs),
        offset_errors_s=tuple(pair.offset_error_s for pair in matched.pairs),
        latencies_s=_latencies(live, kind) if live else (),
        overlaps=tuple(pair.overlap for pair in matched.pairs),
        alarms=len(alarms),
        taken_back=sum(one.took_back(kind) for one in alarms),
        false_alarms_live=len(live.false) if live else 0,
    )


def pooled(tallies: Iterable[Tally]) -> Tally:
    """Return several recordings as one."""
    parts = list(tallies)
    return Tally(
        events=sum(one.events for one in parts),
        found=sum(one.found for one in parts),
        false=sum(one.false for one in parts),
        duration_s=sum(one.duration_s for one in parts),
        onset_errors_s=_chained(one.onset_errors_s for one in parts),
        offset_errors_s=_chained(one.offset_errors_s for one in parts),
        latencies_s=_chained(one.latencies_s for one in parts),
        overlaps=_chained(one.overlaps for one in parts),
        alarms=sum(one.alarms for one in parts),
        taken_back=sum(one.taken_back for one in parts),
        false_alarms_live=sum(one.false_alarms_live for one in parts),
    )


def score(tallies: Sequence[Tally]) -> Score:
    """Turn the tallies of recordings into figures; the same tallies always give the same intervals."""
    draw = _Draws(tallies)
    found, missed, false = draw.sums("found"), draw.sums("events") - draw.sums("found"), draw.sums("false")
    duration = draw.sums("duration_s")
    return Score(
        counts=pooled(tallies),
        recordings=len(tallies),
        sensitivity=_share(found, found + missed),
        precision=_share(found, found + false),
        f1=_bootstrapped(_ratio(2.0 * found, 2.0 * found + false + missed)),
        false_per_8h=_rate(false, duration),
        false_live_per_8h=_rate(draw.sums("false_alarms_live"), duration),
        onset_error_s=_bootstrapped(draw.medians([np.abs(one.onset_errors_s) for one in tallies])),
        offset_error_s=_bootstrapped(draw.medians([np.abs(one.offset_errors_s) for one in tallies])),
        latency_s=_bootstrapped(draw.medians([np.array(one.latencies_s) for one in tallies])),
        overlap=_bootstrapped(draw.medians([np.array(one.overlaps) for one in tallies])),
        taken_back=_share(draw.sums("taken_back"), draw.sums("alarms")),
    )


class _Draws:
    """All recordings once, then as many random draws of them, each with some twice and some not at all."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies
        count = len(tallies)
        drawn = np.random.default_rng(_SEED).integers(max(count, 1), size=(_DRAWS if count > 1 else 0, count))
        self._places = np.concatenate([np.arange(count)[None, :], drawn])

    def sums(self, name: str) -> Floats:
        """Return the sum of a count over the recordings of each draw; the first is that of all."""
        counts = np.array([getattr(one, name) for one in self._tallies], dtype=np.float64)
        return np.asarray(counts[self._places].sum(axis=1))

    def medians(self, values: Sequence[Floats]) -> Floats:
        """Return the median of the values of all recordings of each draw."""
        return np.array([_median([values[place] for place in row]) for row in self._places.tolist()])


def _latencies(live: Match, kind: EpisodeKind) -> tuple[float, ...]:
    said = ((pair.event, _first_called_s(pair.episodes, kind)) for pair in live.pairs)
    return tuple(at_s - event.onset_s for event, at_s in said if at_s is not None)


def _first_called_s(trails: Sequence[Happened], kind: EpisodeKind) -> float | None:
    times_s = [one.first_called_s(kind) for one in trails if isinstance(one, Trail)]
    return min((at_s for at_s in times_s if at_s is not None), default=None)


def _median(values: Sequence[Floats]) -> float:
    joined = np.concatenate(values) if values else np.empty(0)
    return float(np.median(joined)) if joined.size else math.nan


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, math.nan), where=whole > 0))


def _bootstrapped(drawn: Floats) -> Figure:
    """Return the figure of all recordings with the interval of the draws; no interval from a single recording."""
    draws = drawn[1:][np.isfinite(drawn[1:])]
    low, high = np.quantile(draws, (_LOW, _HIGH)).tolist() if draws.size else (math.nan, math.nan)
    return Figure(float(drawn[0]), low, high)


def _share(part: Floats, whole: Floats) -> Figure:
    hits, tries = float(part[0]), float(whole[0])
    if not tries or (0 < hits < tries and len(part) > 1):
        return _bootstrapped(_ratio(part, whole))
    low = float(betaincinv(hits, tries - hits + 1, _LOW)) if hits else 0.0
    high = float(betaincinv(hits + 1, tries - hits, _HIGH)) if hits < tries else 1.0
    return Figure(hits / tries, low, high)


def _rate(counts: Floats, duration_s: Floats) -> Figure:
    count, nights = float(counts[0]), float(duration_s[0]) / _NIGHT_S
    if not nights or (count and len(counts) > 1):
        return _bootstrapped(_ratio(counts * _NIGHT_S, duration_s))
    low = float(gammaincinv(count, _LOW)) if count else 0.0
    return Figure(count / nights, low / nights, float(gammaincinv(count + 1, _HIGH)) / nights)


def _chained(parts: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(value for part in parts for value in part)
