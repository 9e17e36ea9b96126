"""Matches episodes with true events.

Any overlap counts, as usual for event-based scores: whoever wakes up in pain does not mind whether the alarm covered 60
or 90 % of the cramp. How exact onset and end are is measured separately, on the matched pairs.

- An event is *found* if at least one episode overlaps it, widened by a `Tolerance`; several episodes may belong to one
  event, and one episode to several.
- An episode that belongs to no event is *false*; false episodes within the merging time of each other count as one
  false alarm, since they would wake somebody once.
- *Ignored* events (too weak, or hidden by a stronger one) need not be found, and episodes about them are not false.

SzCORE (Epilepsia 2025;66(S3):14) lets a seizure start 30 s early and end 60 s late, and merges events less than 90 s
apart: too lax for contractions of 10-60 s. The tolerances here are far stricter; `crampwatch.detector.scoring.szcore`
gives the lax figures beside them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = [
    "BRIEF_TOLERANCE",
    "CRAMP_TOLERANCE",
    "Interval",
    "Match",
    "Pair",
    "Timeline",
    "Tolerance",
    "match",
    "tolerance_of",
]


class Interval(Protocol):
    """A span of time with a kind: a true event, or an episode."""

    @property
    def kind(self) -> EpisodeKind:
        """What it is."""
        ...

    @property
    def onset_s(self) -> float:
        """First visible activity, seconds."""
        ...

    @property
    def offset_s(self) -> float:
        """Last visible activity, seconds."""
        ...


AnyInterval = TypeVar("AnyInterval", bound=Interval)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an episode may be from an event and still belong to it.

    Attributes:
        start_s: Before the event's onset.
        end_s: After the event's offset.
        merge_s: False episodes closer together than this are one false alarm.
    """

    start_s: float
    end_s: float
    merge_s: float


CRAMP_TOLERANCE = Tolerance(start_s=5.0, end_s=10.0, merge_s=10.0)
"""For contractions of 10 s and more, whose first and last discharges are sparse."""

BRIEF_TOLERANCE = Tolerance(start_s=0.25, end_s=0.5, merge_s=0.0)
"""For twitches and single movements, which may follow each other within a second."""

_LASTING = frozenset({EpisodeKind.CRAMP, EpisodeKind.MOVEMENT, EpisodeKind.RHYTHMIC})


def tolerance_of(kind: EpisodeKind) -> Tolerance:
    """Return the tolerance that suits a kind."""
    return CRAMP_TOLERANCE if kind in _LASTING else BRIEF_TOLERANCE


@dataclass(frozen=True, slots=True)
class Pair:
    """A found event with the episodes that belong to it, by onset; at least one."""

    event: Interval
    episodes: tuple[Interval, ...]

    @property
    def episode(self) -> Interval:
        """The first episode that overlaps the event itself; the first of all where only the tolerance connects them."""
        inside = (one for one in self.episodes if _overlap_s(self.event, one))
        return next(inside, self.episodes[0])

    @property
    def onset_error_s(self) -> float:
        """Onset of the episode less that of the event, seconds."""
        return self.episode.onset_s - self.event.onset_s

    @property
    def offset_error_s(self) -> float:
        """End of the latest episode less that of the event, seconds."""
        return max(one.offset_s for one in self.episodes) - self.event.offset_s

    @property
    def overlap(self) -> float:
        """Intersection of event and episodes over their union, 0 to 1; NaN where both are empty."""
        covered_s = either_s = 0.0
        reached_s = -math.inf
        for one in self.episodes:
            start_s = max(one.onset_s, reached_s)
            reached_s = max(one.offset_s, reached_s)
            both_s = min(reached_s, self.event.offset_s) - max(start_s, self.event.onset_s)
            covered_s += max(0.0, both_s)
            either_s += max(0.0, reached_s - start_s)
        either_s += self.event.offset_s - self.event.onset_s - covered_s
        return covered_s / either_s if either_s > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Match:
    """Which events and episodes belong together.

    Attributes:
        pairs: The events found.
        missed: The events without an episode.
        false: False alarms: the first of each group of merged false episodes.
        about: The episodes that belong to an event, ignored ones aside.
    """

    pairs: tuple[Pair, ...]
    missed: tuple[Interval, ...]
    false: tuple[Interval, ...]
    about: tuple[Interval, ...]


def match(
    events: Iterable[Interval],
    episodes: Iterable[Interval],
    *,
    tolerance: Tolerance,
    ignored: Iterable[Interval] = (),
) -> Match:
    """Match episodes with events. Kinds are not compared: pass those of one kind.

    Args:
        events: Events that should be found, in any order.
        episodes: Episodes of the detector, in any order.
        tolerance: How far apart they may be.
        ignored: Events that need not be found, and whose episodes are not false.
    """
    line = Timeline(episodes)
    ordered = line.ordered
    pairs, missed = [], []
    about = np.zeros(len(ordered), bool)
    for event in sorted(events, key=_onset_of):
        places = line.touching(event, tolerance)
        about[places] = True
        if len(places):
            pairs.append(Pair(event, tuple(ordered[place] for place in places)))
        else:
            missed.append(event)
    is_excused = about.copy()
    for event in ignored:
        is_excused[line.touching(event, tolerance)] = True
    false = [one for one, excused in zip(ordered, is_excused, strict=True) if not excused]
    hits = tuple(one for one, hit in zip(ordered, about, strict=True) if hit)
    return Match(tuple(pairs), tuple(missed), tuple(_merge_alarms(false, tolerance.merge_s)), hits)


class Timeline(Generic[AnyInterval]):
    """Intervals by onset, with a fast search by time: a night has thousands of twitches."""

    def __init__(self, intervals: Iterable[AnyInterval]) -> None:
        self.ordered: list[AnyInterval] = sorted(intervals, key=_onset_of)
        self._onset = np.array([one.onset_s for one in self.ordered])
        self._offset = np.array([one.offset_s for one in self.ordered])
        self._latest = np.maximum.accumulate(self._offset) if self.ordered else self._offset

    def touching(self, event: Interval, tolerance: Tolerance) -> NDArray[np.intp]:
        """Return the positions in `ordered` of what is within a tolerance of an event."""
        return self._overlapping_span(event.onset_s - tolerance.start_s, event.offset_s + tolerance.end_s)

    def overlapping(self, one: Interval) -> list[AnyInterval]:
        """Return what overlaps an interval, the longest overlap first."""
        places = self._overlapping_span(one.onset_s, one.offset_s)
        return sorted((self.ordered[place] for place in places), key=lambda other: -_overlap_s(one, other))

    def _overlapping_span(self, start_s: float, stop_s: float) -> NDArray[np.intp]:
        # Nothing before `first` reaches the start, since not even the latest end up to there does.
        first = int(np.searchsorted(self._latest, start_s, side="right"))
        end = int(np.searchsorted(self._onset, stop_s))
        return first + np.flatnonzero(self._offset[first:end] > start_s)


def _onset_of(event: Interval) -> float:
    return event.onset_s


def _overlap_s(one: Interval, other: Interval) -> float:
    return max(0.0, min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s))


def _merge_alarms(episodes: Iterable[Interval], merge_s: float) -> list[Interval]:
    alarms: list[Interval] = []
    end_s = -math.inf
    for episode in episodes:
        if episode.onset_s - end_s >= merge_s:
            alarms.append(episode)
        end_s = max(end_s, episode.offset_s)
    return alarms
