"""Scores a real recording against what a person marked in it, who could not always tell to the millisecond either."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from crampwatch.detector.model.episode import Episode
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Annotated", "AnnotatedScore", "decode_annotations", "score_annotated"]

_EXACT_S = 0.1
"""Asked of an onset beyond the annotator's own uncertainty."""

_NEAR_S = 0.1


@dataclass(frozen=True, slots=True)
class Annotated:
    """A stretch that a person marked.

    Attributes:
        onset_s: Seconds from the first sample.
        offset_s: The same for its end.
        label: What the person called it.
        confidence: `high`, `medium` or `low`.
        onset_unc_s: How far off the onset may be, in the person's own judgement.
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
    """What came of a recording.

    Attributes:
        sure: Stretches of high confidence.
        found: Those that an episode overlaps.
        exact: Those whose episode begins within 100 ms beyond the annotator's uncertainty.
        beyond_s: Distance of the onsets beyond that uncertainty, one value a found stretch; 0 within it.
        missed: Those not found.
        unexplained: Episodes other than artefacts that overlap nothing marked, however unsure.
        cramps: Episodes called a cramp.
        duration_s: Length of the recording.
    """

    sure: int
    found: int
    exact: int
    beyond_s: tuple[float, ...]
    missed: tuple[Annotated, ...]
    unexplained: tuple[Episode, ...]
    cramps: tuple[Episode, ...]
    duration_s: float


def decode_annotations(text: str, *, name: str) -> tuple[Annotated, ...]:
    """Read a table with the columns onset_s, offset_s, label, confidence, onset_unc_s, offset_unc_s.

    Raises:
        RecordingError: A column is absent or holds no number.
    """
    try:
        return tuple(
            Annotated(
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
            f"{name} is no table of annotations: {error!r}.",
            advice="It needs the columns onset_s, offset_s, label; confidence, onset_unc_s, offset_unc_s may follow.",
        ) from error


def score_annotated(marked: Sequence[Annotated], episodes: Sequence[Episode], *, duration_s: float) -> AnnotatedScore:
    """Score the final episodes of a recording."""
    muscle = [one for one in episodes if one.kind is not EpisodeKind.ARTEFACT]
    sure = [one for one in marked if one.confidence == "high"]
    pairs = [(one, [episode for episode in muscle if _meet(one, episode)]) for one in sure]
    beyond_s = [min(_beyond_s(one, episode) for episode in near) for one, near in pairs if near]
    return AnnotatedScore(
        sure=len(sure),
        found=len(beyond_s),
        exact=sum(distance_s <= _EXACT_S for distance_s in beyond_s),
        beyond_s=tuple(beyond_s),
        missed=tuple(one for one, near in pairs if not near),
        unexplained=tuple(one for one in muscle if not any(_meet(other, one) for other in marked)),
        cramps=tuple(one for one in episodes if one.kind is EpisodeKind.CRAMP),
        duration_s=duration_s,
    )


def _meet(marked: Annotated, episode: Episode) -> bool:
    start_s = marked.onset_s - marked.onset_unc_s - _NEAR_S
    stop_s = marked.offset_s + marked.offset_unc_s + _NEAR_S
    return episode.onset_s < stop_s and episode.offset_s > start_s


def _beyond_s(marked: Annotated, episode: Episode) -> float:
    return max(0.0, abs(episode.onset_s - marked.onset_s) - marked.onset_unc_s)
