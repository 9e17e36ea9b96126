"""Scores one recording: every kind by itself, clear events apart, and what each false alarm really was."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crampwatch.detector.model.episode import Episode
from crampwatch.detector.scoring.matching import Happened, Match, Timeline, match, tolerance_of
from crampwatch.detector.scoring.metrics import Tally, tally
from crampwatch.detector.scoring.revisions import Trail
from crampwatch.detector.scoring.szcore import SzcoreCounts, szcore_counts
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["CLEAR_DB", "NOTHING", "Told", "TrueEvent", "Verdicts", "score_recording"]

CLEAR_DB = 10.0
"""Signal over floor from which an event is clear: accuracy of onsets is asked for from here on."""

NOTHING = "nothing"
"""What a false alarm was where nothing happened."""

_HIDING_NOTHING = (EpisodeKind.TWITCH, EpisodeKind.ARTEFACT)


class TrueEvent(Happened, Protocol):
    """What really happened."""

    @property
    def label(self) -> str:
        """The finer cause."""
        ...

    @property
    def snr_db(self) -> float:
        """Its power over the noise floor; NaN where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What the detector said of a recording.

    Attributes:
        episodes: As finally judged.
        trails: All that was said on the way.
        duration_s: Time observed.
    """

    episodes: Sequence[Episode]
    trails: Sequence[Trail]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The score of one recording.

    Attributes:
        tallies: By kind.
        clear: The same with events below `CLEAR_DB` neither asked for nor held against the detector.
        missed: Events not found, by kind.
        false: False alarms by kind.
        false_as: False alarms by kind, and by the label of what they overlapped most.
        missed_as: Missed events by kind, and by label.
        confusion: True events by label, and by what the episode that overlaps them most was called.
        judged: Confidence of each final episode, by kind, and whether an event of its kind was there.
        szcore: Cramps by the rules for seizures.
    """

    tallies: Mapping[EpisodeKind, Tally]
    clear: Mapping[EpisodeKind, Tally]
    missed: Mapping[EpisodeKind, tuple[Happened, ...]]
    false: Mapping[EpisodeKind, tuple[Happened, ...]]
    false_as: Mapping[EpisodeKind, Mapping[str, int]]
    missed_as: Mapping[EpisodeKind, Mapping[str, int]]
    confusion: Mapping[str, Mapping[str, int]]
    judged: Mapping[EpisodeKind, tuple[tuple[float, bool], ...]]
    szcore: SzcoreCounts


def score_recording(events: Sequence[TrueEvent], told: Told) -> Verdicts:
    """Score what was said of a recording against all that happened in it."""
    happened = Timeline(events)
    scored = {kind: _score_kind(kind, happened, told) for kind in EpisodeKind}
    cramps = [event for event in events if event.kind is EpisodeKind.CRAMP]
    found = [episode for episode in told.episodes if episode.kind is EpisodeKind.CRAMP]
    return Verdicts(
        tallies={kind: one.tally for kind, one in scored.items()},
        clear={kind: one.clear for kind, one in scored.items()},
        missed={kind: one.matched.missed for kind, one in scored.items()},
        false={kind: one.matched.false for kind, one in scored.items()},
        false_as={kind: _causes(one.matched.false, happened) for kind, one in scored.items()},
        missed_as={kind: _labels(one.matched.missed, events) for kind, one in scored.items()},
        confusion=_confusion(events, Timeline(told.episodes)),
        judged={kind: _judged(one.matched, told, kind) for kind, one in scored.items()},
        szcore=szcore_counts(cramps, found, duration_s=told.duration_s),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    tally: Tally
    clear: Tally
    matched: Match


def _score_kind(kind: EpisodeKind, happened: Timeline[TrueEvent], told: Told) -> _Scored:
    own = [(event, _is_hidden(event, happened)) for event in happened.ordered if event.kind is kind]
    asked = [event for event, hidden in own if not hidden]
    unseen = [event for event, hidden in own if hidden]
    weak = [event for event in asked if not event.snr_db >= CLEAR_DB]
    matched, counted = _match_kind(kind, asked, unseen, told)
    _, clear = _match_kind(kind, [event for event in asked if event.snr_db >= CLEAR_DB], [*unseen, *weak], told)
    return _Scored(counted, clear, matched)


def _match_kind(
    kind: EpisodeKind, asked: Sequence[TrueEvent], spared: Sequence[TrueEvent], told: Told
) -> tuple[Match, Tally]:
    tolerance = tolerance_of(kind)
    final = [episode for episode in told.episodes if episode.kind is kind]
    alarms = [trail for trail in told.trails if trail.first_called_s(kind) is not None]
    matched = match(asked, final, tolerance=tolerance, spared=spared)
    live = match(asked, alarms, tolerance=tolerance, spared=spared)
    return matched, tally(matched, kind=kind, duration_s=told.duration_s, live=live, alarms=alarms)


def _is_hidden(event: TrueEvent, happened: Timeline[TrueEvent]) -> bool:
    """Tell whether a brief event lies within another muscle's work: nobody could see it there as its own."""
    if event.kind is not EpisodeKind.TWITCH:
        return False
    return any(other.kind not in _HIDING_NOTHING for other in happened.overlapping(event))


def _judged(matched: Match, told: Told, kind: EpisodeKind) -> tuple[tuple[float, bool], ...]:
    about = {id(one) for one in matched.about}
    return tuple((one.confidence, id(one) in about) for one in told.episodes if one.kind is kind)


def _causes(false: Iterable[Happened], happened: Timeline[TrueEvent]) -> dict[str, int]:
    """Count what false alarms really were; muscle goes before an artefact that happens to coincide."""
    causes: Counter[str] = Counter()
    for one in false:
        shared = happened.overlapping(one)
        muscle = [event for event in shared if event.kind is not EpisodeKind.ARTEFACT]
        causes[(muscle or shared)[0].label if shared else NOTHING] += 1
    return dict(causes.most_common())


def _labels(missed: Iterable[Happened], events: Sequence[TrueEvent]) -> dict[str, int]:
    labels = {id(event): event.label for event in events}
    return dict(Counter(labels[id(one)] for one in missed).most_common())


def _confusion(events: Sequence[TrueEvent], episodes: Timeline[Episode]) -> dict[str, dict[str, int]]:
    """Count for each cause what it was called; cramps count as such where any episode about them was one."""
    table: dict[str, Counter[str]] = {}
    for event in events:
        called = episodes.overlapping(event)
        cramp = [one for one in called if one.kind is EpisodeKind.CRAMP] if event.kind is EpisodeKind.CRAMP else []
        name = str((cramp or called)[0].kind) if called else NOTHING
        table.setdefault(event.label, Counter())[name] += 1
    return {label: dict(counts.most_common()) for label, counts in sorted(table.items())}
