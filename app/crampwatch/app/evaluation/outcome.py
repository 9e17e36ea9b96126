"""What all cases together come to: figures with intervals, causes of errors, confidence against truth. Pure."""

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
    """Episodes of about the same confidence.

    Attributes:
        confidence: Their mean confidence.
        correct: Share that was about an event of its kind.
        episodes: How many.
    """

    confidence: float
    correct: float
    episodes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All cases together.

    Attributes:
        hours: Signal in all.
        nights: Name of each case, and its cramps.
        scores: By kind.
        clear: By kind, of events of at least 10 dB alone.
        false_as: By kind: what false alarms really were.
        missed_as: By kind: what was missed.
        confusion: True events by label, and what they were called.
        reliability: By kind, rising confidence.
        szcore: Cramps by the rules for seizures.
        speed: Times faster than real time, detector alone, one core.
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
        """Return the figures as JSON has them; what is not a number is null."""
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
    """Pool trials."""
    verdicts = [trial.verdicts for trial in trials]
    seconds, took_s = sum(trial.duration_s for trial in trials), sum(trial.detecting_s for trial in trials)
    judged = {kind: [item for one in verdicts for item in one.judged[kind]] for kind in EpisodeKind}
    return Outcome(
        hours=seconds / 3600.0,
        nights=tuple((trial.name, trial.verdicts.tallies[EpisodeKind.CRAMP]) for trial in trials),
        scores={kind: score([one.tallies[kind] for one in verdicts]) for kind in EpisodeKind},
        clear={kind: score([one.clear[kind] for one in verdicts]) for kind in EpisodeKind},
        false_as={kind: _summed(one.false_as[kind] for one in verdicts) for kind in EpisodeKind},
        missed_as={kind: _summed(one.missed_as[kind] for one in verdicts) for kind in EpisodeKind},
        confusion=_joined(one.confusion for one in verdicts),
        reliability={kind: _reliability(judged[kind]) for kind in EpisodeKind},
        szcore=sum((one.szcore for one in verdicts), SzcoreCounts()),
        speed=seconds / took_s if took_s else math.nan,
    )


def score_dict(one: Score) -> dict[str, Any]:
    """Return a score as JSON has it: figures with their intervals, and the counts behind them."""
    fields: dict[str, Any] = {
        name: {part: _number(value) for part, value in asdict(getattr(one, name)).items()}
        for name in one.__slots__
        if name not in ("counts", "recordings")
    }
    counts = one.counts
    fields["counts"] = {
        name: getattr(counts, name)
        for name in ("events", "found", "false", "alarms", "taken_back", "false_alarms_live")
    }
    return fields


def _number(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def _summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total.most_common())


def _joined(tables: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    joined: dict[str, Counter[str]] = {}
    for table in tables:
        for label, counts in table.items():
            joined.setdefault(label, Counter()).update(counts)
    return {label: dict(counts.most_common()) for label, counts in sorted(joined.items())}


def _reliability(judged: Sequence[tuple[float, bool]]) -> tuple[Reliability, ...]:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, correct in judged:
        bins.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, correct))
    return tuple(
        Reliability(
            sum(confidence for confidence, _ in members) / len(members),
            sum(correct for _, correct in members) / len(members),
            len(members),
        )
        for _, members in sorted(bins.items())
    )
