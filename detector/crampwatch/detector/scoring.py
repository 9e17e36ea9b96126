"""Scores episodes against what really happened: any overlap counts, within tolerances far stricter than for seizures.

SzCORE (Epilepsia 2025;66(S3):14) lets an event start 30 s early and end 60 s late, and joins what is less than 90 s
apart:
too lax for contractions of 10-60 s. `CRAMP_TOLERANCE` and `BRIEF_TOLERANCE` are used here instead.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from crampwatch.protocol.kinds import EpisodeKind

__all__ = [
    "BRIEF_TOLERANCE",
    "CRAMP_TOLERANCE",
    "Detected",
    "Happened",
    "Match",
    "Score",
    "Tolerance",
    "match",
    "score",
    "score_by_kind",
]

_NIGHT_S = 8 * 3600.0


class Happened(Protocol):
    """A true event."""

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


class Detected(Happened, Protocol):
    """An episode as the detector tells it."""

    @property
    def detected_at_s(self) -> float:
        """When its kind could first be told, seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an episode may lie from an event and still be about it.

    Attributes:
        start_s: Before the event's onset.
        end_s: After the event's offset.
        merge_s: Episodes closer than this are one.
    """

    start_s: float
    end_s: float
    merge_s: float


CRAMP_TOLERANCE = Tolerance(start_s=5.0, end_s=10.0, merge_s=10.0)
"""For contractions of 10 s and more."""

BRIEF_TOLERANCE = Tolerance(start_s=0.25, end_s=0.5, merge_s=0.0)
"""For twitches and single movements, which may be a second apart."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which events and episodes belong together.

    Attributes:
        pairs: Each event that was found, with its earliest episode.
        missed: Events without an episode.
        false: Episodes without an event, those within the merging time of an earlier one left out.
        true_episodes: Episodes that are about an event.
    """

    pairs: tuple[tuple[Happened, Detected], ...]
    missed: tuple[Happened, ...]
    false: tuple[Detected, ...]
    true_episodes: int


@dataclass(frozen=True, slots=True)
class Score:
    """How well one kind was found. NaN where there was nothing to measure.

    Attributes:
        events: Events that happened.
        found: Events that were found.
        false_alarms: Episodes about nothing.
        hours: Time observed.
        sensitivity: Share of events found.
        precision: Share of alarms that are about an event.
        f1: Harmonic mean of both.
        false_per_8h: False alarms a night of 8 h.
        onset_error_s: Median distance of the onsets.
        offset_error_s: Median distance of the offsets.
        latency_s: Median time from true onset to detection.
        overlap: Median share of the union of event and episode that both cover.
    """

    events: int
    found: int
    false_alarms: int
    hours: float
    sensitivity: float
    precision: float
    f1: float
    false_per_8h: float
    onset_error_s: float
    offset_error_s: float
    latency_s: float
    overlap: float


def match(
    events: Iterable[Happened],
    episodes: Iterable[Detected],
    *,
    tolerance: Tolerance,
    spared: Iterable[Happened] = (),
) -> Match:
    """Match episodes with events of the same kind, whatever that is.

    Args:
        events: What should be found.
        episodes: What was found.
        tolerance: How far apart they may lie.
        spared: Events that need not be found, and whose episodes are not false: too weak, or of an allowed kind.
    """
    events, episodes = sorted(events, key=_onset), sorted(episodes, key=_onset)
    pairs, missed = [], []
    for event in events:
        touching = [episode for episode in episodes if _touches(event, episode, tolerance)]
        if touching:
            pairs.append((event, touching[0]))
        else:
            missed.append(event)
    excused = [*events, *spared]
    false = [one for one in episodes if not any(_touches(event, one, tolerance) for event in excused)]
    hits = sum(any(_touches(event, one, tolerance) for event in events) for one in episodes)
    return Match(tuple(pairs), tuple(missed), tuple(_merged(false, tolerance.merge_s)), hits)


def score(matched: Match, *, duration_s: float) -> Score:
    """Turn a match into figures."""
    found, events, false = len(matched.pairs), len(matched.pairs) + len(matched.missed), len(matched.false)
    sensitivity, precision = _ratio(found, events), _ratio(found, found + false)
    return Score(
        events=events,
        found=found,
        false_alarms=false,
        hours=duration_s / 3600.0,
        sensitivity=sensitivity,
        precision=precision,
        f1=_ratio(2.0 * found, 2.0 * found + false + len(matched.missed)),
        false_per_8h=_ratio(false * _NIGHT_S, duration_s),
        onset_error_s=_median([abs(one.onset_s - event.onset_s) for event, one in matched.pairs]),
        offset_error_s=_median([abs(one.offset_s - event.offset_s) for event, one in matched.pairs]),
        latency_s=_median([one.detected_at_s - event.onset_s for event, one in matched.pairs]),
        overlap=_median([_overlap(event, one) for event, one in matched.pairs]),
    )


def score_by_kind(
    events: Sequence[Happened], episodes: Sequence[Detected], *, duration_s: float
) -> dict[EpisodeKind, Score]:
    """Score each kind by itself, with the tolerance that suits it."""
    lasting = (EpisodeKind.CRAMP, EpisodeKind.MOVEMENT, EpisodeKind.RHYTHMIC)
    scores = {}
    for kind in EpisodeKind:
        matched = match(
            [event for event in events if event.kind is kind],
            [episode for episode in episodes if episode.kind is kind],
            tolerance=CRAMP_TOLERANCE if kind in lasting else BRIEF_TOLERANCE,
        )
        scores[kind] = score(matched, duration_s=duration_s)
    return scores


def _onset(event: Happened) -> float:
    return event.onset_s


def _touches(event: Happened, episode: Detected, tolerance: Tolerance) -> bool:
    return episode.onset_s < event.offset_s + tolerance.end_s and episode.offset_s > event.onset_s - tolerance.start_s


def _merged(episodes: Iterable[Detected], merge_s: float) -> list[Detected]:
    kept: list[Detected] = []
    end_s = -math.inf
    for episode in episodes:
        if episode.onset_s - end_s >= merge_s:
            kept.append(episode)
        end_s = max(end_s, episode.offset_s)
    return kept


def _overlap(event: Happened, episode: Detected) -> float:
    both = min(event.offset_s, episode.offset_s) - max(event.onset_s, episode.onset_s)
    either = max(event.offset_s, episode.offset_s) - min(event.onset_s, episode.onset_s)
    return max(0.0, both) / either if either > 0 else math.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _median(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
