"""Brief events that come back regularly: rhythmic movement, or a heart heard by the electrode; told as one episode."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

__all__ = ["FEWEST_BEATS", "Beat", "continues", "is_heart", "is_regular"]

FEWEST_BEATS = 5
"""High-frequency leg movements are at least four; one more, since twitches that come by chance may look regular."""

_SHORTEST_S, _LONGEST_S = 0.2, 3.5  # 0.3-4 Hz
_REGULAR = 0.3  # coefficient of variation; events that come by chance have 1
_ALIKE = 3.0
_HEART_S = (0.4, 1.6)  # 37 to 150 beats a minute
_HEART_REGULAR = 0.15
_HEART_HZ = 52.0  # what is left of a QRS complex above 20 Hz is slower than any muscle close by
_HEART_WIDTH_S = 0.3


@dataclass(frozen=True, slots=True)
class Beat:
    """One brief event.

    Attributes:
        onset_s: First visible activity, on the time axis of the sample index.
        duration_s: How long it lasted.
        peak: Largest deviation.
        mean_hz: Mean frequency.
    """

    onset_s: float
    duration_s: float
    peak: float
    mean_hz: float


def is_regular(beats: Sequence[Beat]) -> bool:
    """Whether enough events, alike and evenly spaced, make a rhythm."""
    if len(beats) < FEWEST_BEATS:
        return False
    intervals = _intervals(beats)
    even = _spread(intervals) < _REGULAR * fmean(intervals)
    in_range = all(_SHORTEST_S <= interval <= _LONGEST_S for interval in intervals)
    peaks = [beat.peak for beat in beats]
    return even and in_range and max(peaks) < _ALIKE * min(peaks)


def is_heart(beats: Sequence[Beat]) -> bool:
    """Whether a regular series has the pace, the shape and the spectrum of heartbeats."""
    intervals = _intervals(beats)
    pace = _HEART_S[0] <= median(intervals) <= _HEART_S[1] and _spread(intervals) < _HEART_REGULAR * fmean(intervals)
    brief = median(beat.duration_s for beat in beats) <= _HEART_WIDTH_S
    return pace and brief and median(beat.mean_hz for beat in beats) < _HEART_HZ


def continues(beats: Sequence[Beat], beat: Beat) -> bool:
    """Whether an event belongs to a series under way; one or two beats may have been missed."""
    waited = beat.onset_s - beats[-1].onset_s
    interval = median(_intervals(beats))
    peak = median(one.peak for one in beats)
    return waited < 3.4 * interval and peak < 2.0 * _ALIKE * beat.peak and beat.peak < 2.0 * _ALIKE * peak


def _intervals(beats: Sequence[Beat]) -> list[float]:
    return [later.onset_s - earlier.onset_s for earlier, later in pairwise(beats)]


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation; that of `statistics`, exact to the last bit, takes twenty times as long."""
    mean = fmean(values)
    return math.sqrt(fmean((value - mean) ** 2 for value in values))
