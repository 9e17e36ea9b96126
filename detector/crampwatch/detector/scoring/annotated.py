"""Scores a real recording against the annotations of a person.

The annotator could not place every onset to the millisecond either, and says so: each annotation carries an uncertainty
of its onset and end, and a confidence. Only annotations of high confidence count as misses; an episode is unexplained
only where nothing at all is marked, however unsure.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from crampwatch.detector.model.episode import Episode
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["AnnotatedInterval", "AnnotatedScore", "decode_annotations", "score_annotated"]

_EXACT_S = 0.1
"""Largest onset error that counts as exact, beyond the annotator's own uncertainty: one hop of the detector."""

_NEAR_S = 0.1
"""An episode this close to an annotation still belongs to it: again one hop."""


@dataclass(frozen=True, slots=True)
class AnnotatedInterval:
    """An interval that a person marked. Times are seconds from the first sample.

    Attributes:
        confidence: `high`, `medium` or `low`.
        onset_unc_s: How far off the onset may be, as the annotator estimated.
        offset_unc_s: The same for the end.
    """

    onset_s: float
    offset_s: float
    label: str
    confidence: str
    onset_unc_s: float
    offset_unc_s: float


@dataclass(frozen=True, slots=True)
class AnnotatedScore:
    """The score of one recording.

    Attributes:
        sure: Number of annotations of high confidence.
        found: How many of them an episode overlaps.
        exact: How many of them have an episode that begins within 100 ms, beyond the annotator's uncertainty.
        beyond_s: Onset error beyond that uncertainty, one value per annotation found; 0 within it.
        missed: Annotations of high confidence without an episode.
        unexplained: Episodes other than artefacts that overlap no annotation of any confidence.
        cramps: Episodes classified as a cramp.
        duration_s: Length of the recording.
    """

    sure: int
    found: int
    exact: int
    beyond_s: tuple[float, ...]
    missed: tuple[AnnotatedInterval, ...]
    unexplained: tuple[Episode, ...]
    cramps: tuple[Episode, ...]
    duration_s: float


def decode_annotations(text: str, *, name: str) -> tuple[AnnotatedInterval, ...]:
    """Read a CSV table with the columns onset_s, offset_s, label, confidence, onset_unc_s, offset_unc_s.

    Raises:
        RecordingError: A column is missing or a value is not a number.
    """
    try:
        return tuple(
            AnnotatedInterval(
                float(row["onset_s"]),
                float(row["offset_s"]),
                row["label"],
                row.get("confidence") or "high",
                float(row.get("onset_unc_s") or 0.0),
                float(row.get("offset_unc_s") or 0.0),
            )
            for row in csv.DictReader(text.splitlines())
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            f"{name} is not a table of annotations: {error!r}.",
            advice="It needs the columns onset_s, offset_s and label; confidence and uncertainties are optional.",
        ) from error


def score_annotated(
    marked: Sequence[AnnotatedInterval], episodes: Sequence[Episode], *, duration_s: float
) -> AnnotatedScore:
    """Score the episodes of a finished recording, of `duration_s` seconds."""
    muscle = [one for one in episodes if one.kind is not EpisodeKind.ARTEFACT]
    sure = [one for one in marked if one.confidence == "high"]
    pairs = [(one, [episode for episode in muscle if _overlaps(one, episode)]) for one in sure]
    beyond_s = [min(_beyond_s(one, episode) for episode in near) for one, near in pairs if near]
    return AnnotatedScore(
        sure=len(sure),
        found=len(beyond_s),
        exact=sum(distance_s <= _EXACT_S for distance_s in beyond_s),
        beyond_s=tuple(beyond_s),
        missed=tuple(one for one, near in pairs if not near),
        unexplained=tuple(one for one in muscle if not any(_overlaps(other, one) for other in marked)),
        cramps=tuple(one for one in episodes if one.kind is EpisodeKind.CRAMP),
        duration_s=duration_s,
    )


def _overlaps(marked: AnnotatedInterval, episode: Episode) -> bool:
    start_s = marked.onset_s - marked.onset_unc_s - _NEAR_S
    stop_s = marked.offset_s + marked.offset_unc_s + _NEAR_S
    return episode.onset_s < stop_s and episode.offset_s > start_s


def _beyond_s(marked: AnnotatedInterval, episode: Episode) -> float:
    return max(0.0, abs(episode.onset_s - marked.onset_s) - marked.onset_unc_s)
