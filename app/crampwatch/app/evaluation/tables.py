"""The figures of an evaluation as tables of text, for the terminal, Markdown and HTML alike. No I/O."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from crampwatch.app.evaluation.outcome import Outcome
from crampwatch.app.evaluation.request import Request
from crampwatch.detector.scoring.annotated import AnnotatedScore
from crampwatch.detector.scoring.metrics import Figure, Score
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Table", "annotated_table", "count_text", "headline", "tables_of"]

_NONE = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column heads; the first column is a name, the others are figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


def headline(request: Request, outcome: Outcome) -> str:
    """Return what was measured in one sentence, which says that it is simulated."""
    nights = next(iter(outcome.scores.values())).recordings
    what = f"{nights} night(s) of {request.scenario}, seeds {request.seeds} ({request.seed_set})"
    if request.files:
        what = f"{nights} file(s)"
    return (
        f"Simulated accuracy: {what}, {outcome.hours:.1f} h in all. "
        f"The detector ran {outcome.speed:.0f} times faster than real time."
    )


def tables_of(outcome: Outcome) -> tuple[Table, ...]:
    """Return all tables, the most important first."""
    return (
        _scores_table(outcome, clear=False),
        _scores_table(outcome, clear=True),
        _timing_table(outcome),
        _false_table(outcome),
        _missed_table(outcome),
        _nights_table(outcome),
        _szcore_table(outcome),
        _confusion_table(outcome),
    )


def _scores_table(outcome: Outcome, *, clear: bool) -> Table:
    """Return how many events of each kind were found."""
    scores = outcome.clear if clear else outcome.scores
    return Table(
        "Events of at least 10 dB" if clear else "All events",
        ("kind", "found", "sensitivity", "precision", "F1", "false in 8 h", "false in 8 h, live"),
        tuple(_score_row(kind, one) for kind, one in scores.items() if one.counts.events or one.counts.false),
        "Weaker events need not be found, and episodes about them are not counted as false." if clear else "",
    )


def _timing_table(outcome: Outcome) -> Table:
    """Return the timing errors of episodes, for clear events."""
    return Table(
        "Time, events of at least 10 dB",
        ("kind", "onset error, median", "end error, median", "reported after, median", "overlap, median", "withdrawn"),
        tuple(_timing_row(kind, one) for kind, one in outcome.clear.items() if one.counts.found),
        "Reported after: from the first visible discharge until this kind was first reported live. Withdrawn: live "
        "alarms that were reclassified or retracted later.",
    )


def _false_table(outcome: Outcome) -> Table:
    """Return the true causes of false alarms."""
    return Table(
        "Causes of false alarms",
        ("reported as", "actual causes"),
        tuple((_kind_text(kind), count_text(causes)) for kind, causes in outcome.false_as.items() if causes),
        "A false alarm is counted under the event it overlaps longest; muscle takes precedence over an artefact.",
    )


def _missed_table(outcome: Outcome) -> Table:
    """Return the causes of missed events."""
    rows = ((_kind_text(kind), count_text(labels)) for kind, labels in outcome.missed_as.items() if labels)
    return Table("Missed events", ("kind", "causes"), tuple(rows))


def _confusion_table(outcome: Outcome) -> Table:
    """Return how events of each cause were classified."""
    called = [*(str(kind) for kind in EpisodeKind), "nothing"]
    return Table(
        "How each cause was classified",
        ("actual cause", "events", *(name.replace("_", " ") for name in called)),
        tuple(
            (
                label.replace("_", " "),
                str(sum(counts.values())),
                *(str(counts[name]) if name in counts else "" for name in called),
            )
            for label, counts in outcome.confusion.items()
        ),
        "By the episode with the longest overlap; a cramp counts as found if any cramp overlaps it.",
    )


def _nights_table(outcome: Outcome) -> Table:
    """Return the cramps of each night."""
    return Table(
        "Cramps by night",
        ("night", "hours", "cramps", "found", "false", "false, live", "withdrawn"),
        tuple(
            (
                name,
                f"{one.duration_s / 3600:.1f}",
                str(one.events),
                str(one.found),
                str(one.false),
                str(one.false_alarms_live),
                f"{one.taken_back} of {one.alarms}",
            )
            for name, one in outcome.nights
        ),
    )


def _szcore_table(outcome: Outcome) -> Table:
    """Return cramps by the rules for seizures."""
    counts = outcome.szcore
    sensitivity = counts.found / counts.events if counts.events else math.nan
    precision = counts.found / (counts.found + counts.false) if counts.found + counts.false else math.nan
    days = counts.duration_s / 86_400.0
    return Table(
        "Cramps by SzCORE's rules for seizures",
        ("events", "sensitivity", "precision", "false a day"),
        (
            (
                str(counts.events),
                _percent_text(sensitivity),
                _percent_text(precision),
                _number_text(counts.false / days if days else math.nan, 2),
            ),
        ),
        "From 30 s before to 60 s after; events less than 90 s apart are merged. Lax for cramps; for comparison only.",
    )


def annotated_table(scores: Sequence[tuple[str, AnnotatedScore]]) -> Table:
    """Return the scores of real recordings that a person annotated."""
    return Table(
        "Real recordings, annotated by a person",
        ("recording", "length", "found", "onset within 100 ms", "beyond, median", "unexplained", "cramps"),
        tuple(
            (
                name,
                f"{one.duration_s:.0f} s",
                f"{one.found} of {one.sure}" if one.sure else _NONE,
                f"{one.exact} of {one.sure}" if one.sure else _NONE,
                f"{1000 * median(one.beyond_s):.0f} ms" if one.beyond_s else _NONE,
                str(len(one.unexplained)),
                str(len(one.cramps)),
            )
            for name, one in scores
        ),
        "Found: of the annotations of high confidence. Onsets are exact within 100 ms beyond the annotator's own "
        "uncertainty. Unexplained: episodes where nothing is annotated.",
    )


def count_text(counts: Mapping[str, int]) -> str:
    """Return counts as text.

    >>> count_text({"slow_hold": 3, "walking": 1})
    '3 slow hold, 1 walking'
    """
    return ", ".join(f"{count} {label.replace('_', ' ')}" for label, count in counts.items()) or _NONE


def _score_row(kind: EpisodeKind, one: Score) -> tuple[str, ...]:
    return (
        _kind_text(kind),
        f"{one.counts.found} of {one.counts.events}",
        _figure_text(one.sensitivity, percent=True),
        _figure_text(one.precision, percent=True),
        _figure_text(one.f1, digits=2),
        _figure_text(one.false_per_8h, digits=1),
        _figure_text(one.false_live_per_8h, digits=1),
    )


def _timing_row(kind: EpisodeKind, one: Score) -> tuple[str, ...]:
    return (
        _kind_text(kind),
        _figure_text(one.onset_error_s, digits=3, unit=" s"),
        _figure_text(one.offset_error_s, digits=2, unit=" s"),
        _figure_text(one.latency_s, digits=2, unit=" s"),
        _figure_text(one.overlap, percent=True),
        _figure_text(one.taken_back, percent=True),
    )


def _figure_text(figure: Figure, *, percent: bool = False, digits: int = 1, unit: str = "") -> str:
    if math.isnan(figure.value):
        return _NONE
    factor = 100.0 if percent else 1.0
    value, low, high = (f"{factor * part:.{digits}f}" for part in (figure.value, figure.low, figure.high))
    text = value + (" %" if percent else unit)
    return text if math.isnan(figure.low) else f"{text} ({low} to {high})"


def _percent_text(value: float) -> str:
    return _NONE if math.isnan(value) else f"{100 * value:.1f} %"


def _number_text(value: float, digits: int) -> str:
    return _NONE if math.isnan(value) else f"{value:.{digits}f}"


def _kind_text(kind: EpisodeKind) -> str:
    return str(kind).replace("_", " ")
