"""Figures as tables of text: the same rows for a terminal, for Markdown and for HTML. Pure."""

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
    """Rows of text under heads; the first column is a name, the others are figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


def headline(request: Request, outcome: Outcome) -> str:
    """Return in a sentence what was measured, and that it is simulated."""
    nights = next(iter(outcome.scores.values())).recordings
    what = f"{nights} night(s) of {request.scenario}, seeds {request.seeds} ({request.seed_set})"
    if request.files:
        what = f"{nights} file(s)"
    return (
        f"Simulated accuracy: {what}, {outcome.hours:.1f} h in all. "
        f"The detector ran {outcome.speed:.0f} times faster than real time."
    )


def tables_of(outcome: Outcome) -> tuple[Table, ...]:
    """Return all tables, the most telling first."""
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
    """Return how many were found of each kind."""
    scores = outcome.clear if clear else outcome.scores
    return Table(
        "Events of at least 10 dB" if clear else "All events",
        ("kind", "found", "sensitivity", "precision", "F1", "false in 8 h", "false in 8 h, live"),
        tuple(_score_row(kind, one) for kind, one in scores.items() if one.counts.events or one.counts.false),
        "Weaker events are neither asked for nor held against the detector." if clear else "",
    )


def _timing_table(outcome: Outcome) -> Table:
    """Return how exact episodes are in time, of clear events."""
    return Table(
        "Time, events of at least 10 dB",
        ("kind", "onset error, median", "end error, median", "said after, median", "overlap, median", "taken back"),
        tuple(_timing_row(kind, one) for kind, one in outcome.clear.items() if one.counts.found),
        "Said after: from the first visible discharge until this kind was first told live. Taken back: live alarms "
        "that were called something else, or nothing, later.",
    )


def _false_table(outcome: Outcome) -> Table:
    """Return what false alarms really were."""
    return Table(
        "What false alarms were",
        ("called", "really"),
        tuple((_name(kind), count_text(causes)) for kind, causes in outcome.false_as.items() if causes),
        "A false alarm is counted under what it overlaps longest; muscle goes before an artefact at the same time.",
    )


def _missed_table(outcome: Outcome) -> Table:
    """Return what was missed."""
    rows = ((_name(kind), count_text(labels)) for kind, labels in outcome.missed_as.items() if labels)
    return Table("What was missed", ("kind", "causes"), tuple(rows))


def _confusion_table(outcome: Outcome) -> Table:
    """Return what every cause was called."""
    called = [*(str(kind) for kind in EpisodeKind), "nothing"]
    return Table(
        "What each was called",
        ("really", "events", *(name.replace("_", " ") for name in called)),
        tuple(
            (
                label.replace("_", " "),
                str(sum(counts.values())),
                *(str(counts[name]) if name in counts else "" for name in called),
            )
            for label, counts in outcome.confusion.items()
        ),
        "By the episode that overlaps longest; a cramp counts as found where any cramp overlaps it.",
    )


def _nights_table(outcome: Outcome) -> Table:
    """Return the cramps of each night."""
    return Table(
        "Cramps by night",
        ("night", "hours", "cramps", "found", "false", "false, live", "taken back"),
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
                _percent(sensitivity),
                _percent(precision),
                _plain(counts.false / days if days else math.nan, 2),
            ),
        ),
        "From 30 s before to 60 s after; what is less than 90 s apart is one. Lax for cramps; for comparison only.",
    )


def annotated_table(scores: Sequence[tuple[str, AnnotatedScore]]) -> Table:
    """Return what was found of real recordings that a person annotated."""
    return Table(
        "Real recordings, annotated by a person",
        ("recording", "length", "found", "onset within 100 ms", "beyond, median", "unexplained", "called cramp"),
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
        "Found: stretches the annotator was sure of. Onsets are asked for within 100 ms beyond the annotator's own "
        "uncertainty. Unexplained: episodes where nothing is marked. No recording holds a cramp.",
    )


def count_text(counts: Mapping[str, int]) -> str:
    """Return counts as text.

    >>> count_text({"slow_hold": 3, "walking": 1})
    '3 slow hold, 1 walking'
    """
    return ", ".join(f"{count} {label.replace('_', ' ')}" for label, count in counts.items()) or _NONE


def _score_row(kind: EpisodeKind, one: Score) -> tuple[str, ...]:
    return (
        _name(kind),
        f"{one.counts.found} of {one.counts.events}",
        _interval(one.sensitivity, percent=True),
        _interval(one.precision, percent=True),
        _interval(one.f1, digits=2),
        _interval(one.false_per_8h, digits=1),
        _interval(one.false_live_per_8h, digits=1),
    )


def _timing_row(kind: EpisodeKind, one: Score) -> tuple[str, ...]:
    return (
        _name(kind),
        _interval(one.onset_error_s, digits=3, unit=" s"),
        _interval(one.offset_error_s, digits=2, unit=" s"),
        _interval(one.latency_s, digits=2, unit=" s"),
        _interval(one.overlap, percent=True),
        _interval(one.taken_back, percent=True),
    )


def _interval(figure: Figure, *, percent: bool = False, digits: int = 1, unit: str = "") -> str:
    if math.isnan(figure.value):
        return _NONE
    factor = 100.0 if percent else 1.0
    value, low, high = (f"{factor * part:.{digits}f}" for part in (figure.value, figure.low, figure.high))
    told = value + (" %" if percent else unit)
    return told if math.isnan(figure.low) else f"{told} ({low} to {high})"


def _percent(value: float) -> str:
    return _NONE if math.isnan(value) else f"{100 * value:.1f} %"


def _plain(value: float, digits: int) -> str:
    return _NONE if math.isnan(value) else f"{value:.{digits}f}"


def _name(kind: EpisodeKind) -> str:
    return str(kind).replace("_", " ")
