"""Scores the same episodes by the rules for seizure detectors, for comparison with the literature on those.

SzCORE (Dan 2025, Epilepsia 66(S3):14), as implemented by its authors in the library `timescoring`: any overlap
from 30 s before to 60 s after an event counts, events less than 90 s apart are merged, those over 5 min are split.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crampwatch.detector.scoring.matching import Interval
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring

__all__ = ["SzcoreCounts", "szcore_counts"]

_MASK_HZ = 10
"""The library works on a mask of samples; ten a second resolve its tolerances far better than needed."""


@dataclass(frozen=True, slots=True)
class SzcoreCounts:
    """Counts after merging and splitting; `duration_s` is the time observed."""

    events: int = 0
    found: int = 0
    false: int = 0
    duration_s: float = 0.0

    def __add__(self, other: "SzcoreCounts") -> "SzcoreCounts":
        return SzcoreCounts(
            self.events + other.events,
            self.found + other.found,
            self.false + other.false,
            self.duration_s + other.duration_s,
        )


def szcore_counts(events: Iterable[Interval], episodes: Iterable[Interval], *, duration_s: float) -> SzcoreCounts:
    """Score one recording."""
    samples = max(1, round(duration_s * _MASK_HZ))
    scored = EventScoring(
        Annotation(_joined_spans(events, duration_s), _MASK_HZ, samples),
        Annotation(_joined_spans(episodes, duration_s), _MASK_HZ, samples),
    )
    return SzcoreCounts(int(scored.refTrue), int(scored.tp), int(scored.fp), duration_s)


def _joined_spans(intervals: Iterable[Interval], duration_s: float) -> list[tuple[float, float]]:
    """Return spans by onset, overlapping ones joined: the library's own merging would shorten them."""
    spans: list[tuple[float, float]] = []
    ordered: Sequence[Interval] = sorted(intervals, key=lambda one: one.onset_s)
    for one in ordered:
        start_s, stop_s = max(0.0, one.onset_s), min(one.offset_s, duration_s)
        if spans and start_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop_s, spans[-1][1]))
        else:
            spans.append((start_s, stop_s))
    return spans
