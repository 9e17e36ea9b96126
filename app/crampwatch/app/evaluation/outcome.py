"""Pools the trials of all cases: figures with intervals, causes of errors, confidence against truth. No I/O."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crampwatch.app.evaluation.trial import Trial
from crampwatch.detector.scoring.metrics import Score, Tally, score
from crampwatch.detector.scoring.szcore import SzcoreCounts
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Outcome", "Reliability", "outcome_of"]

_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Episodes of similar confidence: one dot in a reliability diagram.

    Attributes:
        confidence: Their mean confidence.
        correct: Share that belongs to an event of the same kind.
        episodes: How many there are.
    """

    confidence: float
    correct: float
    episodes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures over all cases.

    Attributes:
        hours: Total length of the signals.
        nights: Name of each case, with its counts for cramps.
        scores: By kind.
        clear: By kind, with events below 10 dB ignored.
        false_as: By kind: true labels of the false alarms.
        missed_as: By kind: labels of the missed events.
        confusion: Counts by true label and detected kind.
        reliability: By kind, in order of confidence.
        szcore: Cramps by the rules for seizure detectors.
        speed: How many times faster than real time the detector ran, on one core, without reading or simulating.
    """

    hours: float
    nights: tuple[tuple[str, Tally], ...]
    scores: Mapping[EpisodeKind, Score]
    clear: Mapping[EpisodeKind, Score]
    false_as: Mapping[EpisodeKind, Mapping[str, int]]
    missed_as: Mapping[EpisodeKind, Mapping[str, int]]
    confusion: Mapping[str, Mapping[str, int]]
    reliability: Mapping[EpisodeKind, tuple[Reliability, ...]]
    szcore: SzcoreCounts
    speed: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON; NaN becomes null."""
        return {
            "hours": self.hours,
            "speed": self.speed,
            "kinds": {str(kind): self._kind_dict(kind) for kind in self.scores},
            "confusion": self.confusion,
            "szcore_cramp": asdict(self.szcore),
        }

    def _kind_dict(self, kind: EpisodeKind) -> dict[str, Any]:
        return {
            "all": score_dict(self.scores[kind]),
            "clear": score_dict(self.clear[kind]),
            "false_as": self.false_as[kind],
            "missed_as": self.missed_as[kind],
            "reliability": [asdict(one) for one in self.reliability[kind]],
        }


def outcome_of(trials: Sequence[Trial]) -> Outcome:
    """Pool the trials of all cases."""
    results = [trial.score for trial in trials]
    seconds, took_s = sum(trial.duration_s for trial in trials), sum(trial.detecting_s for trial in trials)
    confidences = {kind: [item for one in results for item in one.confidences[kind]] for kind in EpisodeKind}
    return Outcome(
        hours=seconds / 3600.0,
        nights=tuple((trial.name, trial.score.tallies[EpisodeKind.CRAMP]) for trial in trials),
        scores={kind: score([one.tallies[kind] for one in results]) for kind in EpisodeKind},
        clear={kind: score([one.clear[kind] for one in results]) for kind in EpisodeKind},
        false_as={kind: _sum_counts(one.false_as[kind] for one in results) for kind in EpisodeKind},
        missed_as={kind: _sum_counts(one.missed_as[kind] for one in results) for kind in EpisodeKind},
        confusion=_join_tables(one.confusion for one in results),
        reliability={kind: _reliability_curve(confidences[kind]) for kind in EpisodeKind},
        szcore=sum((one.szcore for one in results), SzcoreCounts()),
        speed=seconds / took_s if took_s else math.nan,
    )


def score_dict(one: Score) -> dict[str, Any]:
    """Return a score for JSON: figures with their intervals, and the counts behind them."""
    fields: dict[str, Any] = {
        name: {part: _json_number(value) for part, value in asdict(getattr(one, name)).items()}
        for name in one.__slots__
        if name not in ("counts", "recordings")
    }
    counts = one.counts
    fields["counts"] = {
        name: getattr(counts, name)
        for name in ("events", "found", "false", "alarms", "taken_back", "false_alarms_live")
    }
    return fields


def _json_number(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def _sum_counts(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total.most_common())


def _join_tables(tables: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    joined: dict[str, Counter[str]] = {}
    for table in tables:
        for label, counts in table.items():
            joined.setdefault(label, Counter()).update(counts)
    return {label: dict(counts.most_common()) for label, counts in sorted(joined.items())}


def _reliability_curve(confidences: Sequence[tuple[float, bool]]) -> tuple[Reliability, ...]:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, correct in confidences:
        bins.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, correct))
    return tuple(
        Reliability(
            sum(confidence for confidence, _ in members) / len(members),
            sum(correct for _, correct in members) / len(members),
            len(members),
        )
        for _, members in sorted(bins.items())
    )
