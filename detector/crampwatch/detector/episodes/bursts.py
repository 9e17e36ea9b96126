"""When brief events are a series: rhythmic movement of the foot, or a heart that the electrode picks up.

Events that come by chance have intervals whose standard deviation is as large as their mean (a Poisson process has a
coefficient of variation of 1). A rhythm must have less than a third of that, over at least five events of similar
size. A heart is a rhythm with a heart's pace, more even still, whose beats are short and low in frequency: above 20 Hz,
where the EMG band begins, only the fastest part of a QRS complex is left.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

__all__ = ["FEWEST_BEATS", "Beat", "is_continued_by", "is_heart", "is_regular"]

FEWEST_BEATS = 5
"""High-frequency leg movements are at least four; one more, since twitches that come by chance may look regular."""

_SHORTEST_S, _LONGEST_S = 0.2, 3.5  # 0.3-4 Hz, as high-frequency leg movements and rhythmic foot movements have
_REGULAR = 0.3  # coefficient of variation of the intervals; events that come by chance have 1
_ALIKE = 3.0  # the largest deviation over the smallest: movements of one kind are of one size
_HEART_S = (0.4, 1.6)  # 37 to 150 beats a minute
_HEART_REGULAR = 0.15  # a heart at rest varies by some 5 % from beat to beat, more with breathing
_HEART_HZ = 52.0  # what is left of a QRS complex above 20 Hz is slower than any muscle close by
_HEART_WIDTH_S = 0.3  # a QRS complex lasts 0.1 s; bins and smoothing widen it
_LATEST = 3.4  # intervals after which a beat comes too late: two may have been missed, and the pace may slow a little
_STILL_ALIKE = 2.0 * _ALIKE  # a series goes on with beats less alike than those that proved it


@dataclass(frozen=True, slots=True)
class Beat:
    """One brief event.

    Attributes:
        onset_s: First visible activity, seconds since sample index 0.
        peak: Largest deviation in the EMG band.
        mean_hz: Mean frequency; NaN where unknown.
    """

    onset_s: float
    duration_s: float
    peak: float
    mean_hz: float


def is_regular(beats: Sequence[Beat]) -> bool:
    """Whether there are enough events, alike and evenly spaced, to make a rhythm."""
    if len(beats) < FEWEST_BEATS:
        return False
    intervals = _intervals(beats)
    is_even = _standard_deviation(intervals) < _REGULAR * fmean(intervals)
    is_in_range = all(_SHORTEST_S <= interval <= _LONGEST_S for interval in intervals)
    peaks = [beat.peak for beat in beats]
    return is_even and is_in_range and max(peaks) < _ALIKE * min(peaks)


def is_heart(beats: Sequence[Beat]) -> bool:
    """Whether a regular series has the pace, the shape and the spectrum of heartbeats."""
    intervals = _intervals(beats)
    has_pace = _HEART_S[0] <= median(intervals) <= _HEART_S[1]
    is_even = _standard_deviation(intervals) < _HEART_REGULAR * fmean(intervals)
    is_short = median(beat.duration_s for beat in beats) <= _HEART_WIDTH_S
    return has_pace and is_even and is_short and median(beat.mean_hz for beat in beats) < _HEART_HZ


def is_continued_by(beats: Sequence[Beat], beat: Beat) -> bool:
    """Whether an event belongs to the series that `beats` are the latest of; one or two may have been missed."""
    waited_s = beat.onset_s - beats[-1].onset_s
    peak = median(one.peak for one in beats)
    is_alike = peak < _STILL_ALIKE * beat.peak and beat.peak < _STILL_ALIKE * peak
    return waited_s < _LATEST * median(_intervals(beats)) and is_alike


def _intervals(beats: Sequence[Beat]) -> list[float]:
    return [later.onset_s - earlier.onset_s for earlier, later in pairwise(beats)]


def _standard_deviation(values: Sequence[float]) -> float:
    """Return the standard deviation; that of `statistics`, exact to the last bit, takes twenty times as long."""
    mean = fmean(values)
    return math.sqrt(fmean((value - mean) ** 2 for value in values))
