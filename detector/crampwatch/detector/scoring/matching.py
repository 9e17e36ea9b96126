"""Matches episodes with what really happened: any overlap counts, within tolerances far stricter than for seizures.

SzCORE (Epilepsia 2025;66(S3):14) lets an event start 30 s early and end 60 s late, and joins what is less than 90 s
apart: too lax for contractions of 10-60 s. `CRAMP_TOLERANCE` and `BRIEF_TOLERANCE` are used here; `scoring_szcore`
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
    "Happened",
    "Match",
    "Pair",
    "Timeline",
    "Tolerance",
    "match",
    "tolerance_of",
]


class Happened(Protocol):
    """Something with a begin and an end: a true event, or an episode."""

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


Some = TypeVar("Some", bound=Happened)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an episode may lie from an event and still be about it.

    Attributes:
        start_s: Before the event's onset.
        end_s: After the event's offset.
        merge_s: False episodes closer than this are one false alarm.
    """

    start_s: float
    end_s: float
    merge_s: float


CRAMP_TOLERANCE = Tolerance(start_s=5.0, end_s=10.0, merge_s=10.0)
"""For contractions of 10 s and more."""

BRIEF_TOLERANCE = Tolerance(start_s=0.25, end_s=0.5, merge_s=0.0)
"""For twitches and single movements, which may be a second apart."""

_LASTING = frozenset({EpisodeKind.CRAMP, EpisodeKind.MOVEMENT, EpisodeKind.RHYTHMIC})


def tolerance_of(kind: EpisodeKind) -> Tolerance:
    """Return the tolerance that suits a kind."""
    return CRAMP_TOLERANCE if kind in _LASTING else BRIEF_TOLERANCE


@dataclass(frozen=True, slots=True)
class Pair:
    """An event that was found.

    Attributes:
        event: What happened.
        episodes: All that are about it, by onset; at least one.
    """

    event: Happened
    episodes: tuple[Happened, ...]

    @property
    def episode(self) -> Happened:
        """The first that overlaps the event itself; the first of all where none does."""
        inside = (one for one in self.episodes if _overlap(self.event, one))
        return next(inside, self.episodes[0])

    @property
    def onset_error_s(self) -> float:
        """Seconds the episode begins after the event; negative: before."""
        return self.episode.onset_s - self.event.onset_s

    @property
    def offset_error_s(self) -> float:
        """Seconds the last of the episodes ends after the event; negative: before."""
        return max(one.offset_s for one in self.episodes) - self.event.offset_s

    @property
    def overlap(self) -> float:
        """Share of the union of event and episodes that both cover, 0 to 1."""
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
        pairs: Each event that was found, with the episodes about it.
        missed: Events without an episode.
        false: Episodes about no event, those within the merging time of an earlier one left out.
        about: Episodes that are about an event.
    """

    pairs: tuple[Pair, ...]
    missed: tuple[Happened, ...]
    false: tuple[Happened, ...]
    about: tuple[Happened, ...]


def match(
    events: Iterable[Happened],
    episodes: Iterable[Happened],
    *,
    tolerance: Tolerance,
    spared: Iterable[Happened] = (),
) -> Match:
    """Match episodes with events; the kinds are the caller's affair.

    Args:
        events: What should be found.
        episodes: What was found.
        tolerance: How far apart they may lie.
        spared: Events that need not be found, and whose episodes are not false: too weak, or hidden by another.
    """
    line = Timeline(episodes)
    ordered = line.ordered
    pairs, missed = [], []
    about = np.zeros(len(ordered), bool)
    for event in sorted(events, key=_onset):
        places = line.touching(event, tolerance)
        about[places] = True
        if len(places):
            pairs.append(Pair(event, tuple(ordered[place] for place in places)))
        else:
            missed.append(event)
    excused = about.copy()
    for event in spared:
        excused[line.touching(event, tolerance)] = True
    false = [one for one, fine in zip(ordered, excused, strict=True) if not fine]
    hits = tuple(one for one, hit in zip(ordered, about, strict=True) if hit)
    return Match(tuple(pairs), tuple(missed), tuple(_merged(false, tolerance.merge_s)), hits)


class Timeline(Generic[Some]):
    """Events or episodes by onset, to be searched by time.

    Args:
        happened: In any order.
    """

    def __init__(self, happened: Iterable[Some]) -> None:
        self.ordered: list[Some] = sorted(happened, key=_onset)
        self._onset = np.array([one.onset_s for one in self.ordered])
        self._offset = np.array([one.offset_s for one in self.ordered])
        self._latest = np.maximum.accumulate(self._offset) if self.ordered else self._offset

    def touching(self, event: Happened, tolerance: Tolerance) -> NDArray[np.intp]:
        """Return the places in `ordered` of what lies within a tolerance of an event."""
        return self._between(event.onset_s - tolerance.start_s, event.offset_s + tolerance.end_s)

    def overlapping(self, one: Happened) -> list[Some]:
        """Return what overlaps something, the longest overlap first."""
        places = self._between(one.onset_s, one.offset_s)
        return sorted((self.ordered[place] for place in places), key=lambda other: -_overlap(one, other))

    def _between(self, start_s: float, stop_s: float) -> NDArray[np.intp]:
        # Nothing before `first` reaches the start, since not even the latest end up to there does.
        first = int(np.searchsorted(self._latest, start_s, side="right"))
        end = int(np.searchsorted(self._onset, stop_s))
        return first + np.flatnonzero(self._offset[first:end] > start_s)


def _onset(event: Happened) -> float:
    return event.onset_s


def _overlap(one: Happened, other: Happened) -> float:
    return max(0.0, min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s))


def _merged(episodes: Iterable[Happened], merge_s: float) -> list[Happened]:
    kept: list[Happened] = []
    end_s = -math.inf
    for episode in episodes:
        if episode.onset_s - end_s >= merge_s:
            kept.append(episode)
        end_s = max(end_s, episode.offset_s)
    return kept
