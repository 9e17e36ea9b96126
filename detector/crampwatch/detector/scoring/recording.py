"""Scores one recording: every kind by itself, clear events separately, and what each false alarm really was.

Each kind is matched on its own, so that a cramp called a movement is both a missed cramp and a false movement. Two
sorts of events are ignored rather than missed (see `matching`): twitches within the activity of another muscle, which
nobody could see as events of their own, and, for the `clear` figures, events below `CLEAR_DB`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crampwatch.detector.model.episode import Episode
from crampwatch.detector.scoring.matching import Interval, Match, Timeline, match, tolerance_of
from crampwatch.detector.scoring.metrics import Tally, tally
from crampwatch.detector.scoring.revisions import Trail
from crampwatch.detector.scoring.szcore import SzcoreCounts, szcore_counts
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["CLEAR_DB", "NOTHING", "Detections", "RecordingScore", "TrueEvent", "score_recording"]

CLEAR_DB = 10.0
"""Power over the noise floor from which an event counts as clear: the onset of a weaker one cannot be seen exactly."""

NOTHING = "nothing"
"""Label of a false alarm that overlaps no event, and of an event that no episode overlaps."""

_HIDING_NOTHING = (EpisodeKind.TWITCH, EpisodeKind.ARTEFACT)


class TrueEvent(Interval, Protocol):
    """A true event, from a simulator or an annotator."""

    @property
    def label(self) -> str:
        """Cause, finer than the kind."""
        ...

    @property
    def snr_db(self) -> float:
        """Power over the noise floor; NaN where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Detections:
    """What the detector reported for a recording of `duration_s` seconds.

    Attributes:
        episodes: Final revisions.
        trails: All revisions of the live run.
    """

    episodes: Sequence[Episode]
    trails: Sequence[Trail]
    duration_s: float


@dataclass(frozen=True, slots=True)
class RecordingScore:
    """The score of one recording.

    Attributes:
        tallies: By kind.
        clear: The same, with events below `CLEAR_DB` ignored.
        missed: Events not found, by kind.
        false: False alarms, by kind.
        false_as: Counts of false alarms, by kind and by the label of the event they overlap most.
        missed_as: Counts of missed events, by kind and label.
        confusion: Counts of true events, by label and by the kind of the episode that overlaps them most.
        confidences: Of each final episode, by kind: its confidence, and whether it belongs to an event of that kind.
        szcore: Cramps by the rules for seizure detectors.
    """

    tallies: Mapping[EpisodeKind, Tally]
    clear: Mapping[EpisodeKind, Tally]
    missed: Mapping[EpisodeKind, tuple[Interval, ...]]
    false: Mapping[EpisodeKind, tuple[Interval, ...]]
    false_as: Mapping[EpisodeKind, Mapping[str, int]]
    missed_as: Mapping[EpisodeKind, Mapping[str, int]]
    confusion: Mapping[str, Mapping[str, int]]
    confidences: Mapping[EpisodeKind, tuple[tuple[float, bool], ...]]
    szcore: SzcoreCounts


def score_recording(events: Sequence[TrueEvent], detections: Detections) -> RecordingScore:
    """Score what was detected in a recording against all events in it."""
    truth = Timeline(events)
    scored = {kind: _score_kind(kind, truth, detections) for kind in EpisodeKind}
    cramps = [event for event in events if event.kind is EpisodeKind.CRAMP]
    found = [episode for episode in detections.episodes if episode.kind is EpisodeKind.CRAMP]
    return RecordingScore(
        tallies={kind: one.tally for kind, one in scored.items()},
        clear={kind: one.clear for kind, one in scored.items()},
        missed={kind: one.matched.missed for kind, one in scored.items()},
        false={kind: one.matched.false for kind, one in scored.items()},
        false_as={kind: _count_causes(one.matched.false, truth) for kind, one in scored.items()},
        missed_as={kind: _count_labels(one.matched.missed, events) for kind, one in scored.items()},
        confusion=_confusion_table(events, Timeline(detections.episodes)),
        confidences={kind: _confidences_of_kind(one.matched, detections, kind) for kind, one in scored.items()},
        szcore=szcore_counts(cramps, found, duration_s=detections.duration_s),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    tally: Tally
    clear: Tally
    matched: Match


def _score_kind(kind: EpisodeKind, truth: Timeline[TrueEvent], detections: Detections) -> _Scored:
    own = [(event, _is_hidden(event, truth)) for event in truth.ordered if event.kind is kind]
    visible = [event for event, is_hidden in own if not is_hidden]
    hidden = [event for event, is_hidden in own if is_hidden]
    weak = [event for event in visible if not event.snr_db >= CLEAR_DB]
    matched, counted = _match_kind(kind, visible, hidden, detections)
    _, clear = _match_kind(kind, [event for event in visible if event.snr_db >= CLEAR_DB], [*hidden, *weak], detections)
    return _Scored(counted, clear, matched)


def _match_kind(
    kind: EpisodeKind, visible: Sequence[TrueEvent], ignored: Sequence[TrueEvent], detections: Detections
) -> tuple[Match, Tally]:
    tolerance = tolerance_of(kind)
    final = [episode for episode in detections.episodes if episode.kind is kind]
    alarms = [trail for trail in detections.trails if trail.first_called_s(kind) is not None]
    matched = match(visible, final, tolerance=tolerance, ignored=ignored)
    live = match(visible, alarms, tolerance=tolerance, ignored=ignored)
    return matched, tally(matched, kind=kind, duration_s=detections.duration_s, live=live, alarms=alarms)


def _is_hidden(event: TrueEvent, truth: Timeline[TrueEvent]) -> bool:
    """Return whether a brief event falls into the activity of another muscle, where it cannot be seen as its own."""
    if event.kind is not EpisodeKind.TWITCH:
        return False
    return any(other.kind not in _HIDING_NOTHING for other in truth.overlapping(event))


def _confidences_of_kind(matched: Match, detections: Detections, kind: EpisodeKind) -> tuple[tuple[float, bool], ...]:
    about = {id(one) for one in matched.about}
    return tuple((one.confidence, id(one) in about) for one in detections.episodes if one.kind is kind)


def _count_causes(false: Iterable[Interval], truth: Timeline[TrueEvent]) -> dict[str, int]:
    """Count what false alarms really were; muscle takes precedence over an artefact at the same time."""
    causes: Counter[str] = Counter()
    for one in false:
        shared = truth.overlapping(one)
        muscle = [event for event in shared if event.kind is not EpisodeKind.ARTEFACT]
        causes[(muscle or shared)[0].label if shared else NOTHING] += 1
    return dict(causes.most_common())


def _count_labels(missed: Iterable[Interval], events: Sequence[TrueEvent]) -> dict[str, int]:
    labels = {id(event): event.label for event in events}
    return dict(Counter(labels[id(one)] for one in missed).most_common())


def _confusion_table(events: Sequence[TrueEvent], episodes: Timeline[Episode]) -> dict[str, dict[str, int]]:
    """Count for each label the kinds it was given; a cramp counts as found where any episode over it is a cramp."""
    table: dict[str, Counter[str]] = {}
    for event in events:
        called = episodes.overlapping(event)
        cramp = [one for one in called if one.kind is EpisodeKind.CRAMP] if event.kind is EpisodeKind.CRAMP else []
        name = str((cramp or called)[0].kind) if called else NOTHING
        table.setdefault(event.label, Counter())[name] += 1
    return {label: dict(counts.most_common()) for label, counts in sorted(table.items())}
