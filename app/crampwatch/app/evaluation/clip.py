"""The signal around a miss or a false alarm, reduced to what a plot needs, so that hundreds fit into a report.

The waveform is reduced to its lowest and highest value per column of the plot; envelope, floor and threshold are those
the detector used, on its own grid of 0.1 s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from crampwatch.app.evaluation.case import OpenedCase
from crampwatch.detector.model.events import Features
from crampwatch.detector.scoring.matching import Interval
from crampwatch.detector.scoring.recording import Detections, RecordingScore
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

__all__ = ["Clip", "ClipMaker", "Span", "Trace"]

_COLUMNS = 480
_BEFORE_S, _AFTER_S = 10.0, 10.0
_LONGEST_S = 150.0
_BRIEF_AROUND_S = 3.0
_ORDER = (
    EpisodeKind.CRAMP,
    EpisodeKind.TWITCH,
    EpisodeKind.LEG_MOVEMENT,
    EpisodeKind.MOVEMENT,
    EpisodeKind.RHYTHMIC,
)
"""Cramps first, since plots are limited in number. Artefacts appear in the tables only."""


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled interval in a plot."""

    onset_s: float
    offset_s: float
    kind: EpisodeKind
    text: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One miss or false alarm.

    Attributes:
        case: Name of the case.
        is_miss: Whether it is a miss; a false alarm otherwise.
        subject: The missed event, or the false episode.
        start_s: Start of the clip, seconds from the first sample.
        stop_s: End of the clip, seconds from the first sample.
        labels: Name of each channel.
        unit: `uV`, or empty where the scale is unknown.
        lowest: Lowest value in each column of the plot; (columns, channels).
        highest: Highest value in each column; (columns, channels).
        steps_s: Times of the detector's steps.
        envelope: RMS envelope; (steps, channels).
        floor: RMS at rest; (steps, channels).
        threshold: RMS at which activity begins; (steps, channels).
        truth: True events within the clip.
        episodes: Final episodes within the clip.
    """

    case: str
    is_miss: bool
    subject: Span
    start_s: float
    stop_s: float
    labels: tuple[str, ...]
    unit: str
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    steps_s: NDArray[np.float64]
    envelope: NDArray[np.float32]
    floor: NDArray[np.float32]
    threshold: NDArray[np.float32]
    truth: tuple[Span, ...]
    episodes: tuple[Span, ...]


class Trace:
    """Envelope, floor and threshold of a recording on the detector's 0.1 s grid: 10 MB for a night of two channels."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._parts: list[tuple[NDArray[np.float64], NDArray[np.float32]]] = []

    def update(self, features: Features) -> None:
        """Append the features of the next block."""
        steps = len(features.envelope)
        index = features.first_index + features.step_samples * (np.arange(steps) + 1)
        stacked = np.stack([features.envelope, features.floor, features.threshold]).astype(np.float32)
        self._parts.append((index / self._rate_hz, stacked))

    def between(self, start_s: float, stop_s: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return times in seconds, and envelope, floor and threshold stacked in an array (3, steps, channels)."""
        near = [part for part in self._parts if part[0][-1:] >= start_s and part[0][:1] < stop_s]
        if not near:
            return np.empty(0), np.empty((3, 0, 0), np.float32)
        time_s = np.concatenate([part[0] for part in near])
        inside = (time_s >= start_s) & (time_s < stop_s)
        return time_s[inside], np.concatenate([part[1] for part in near], axis=1)[:, inside]


class ClipMaker:
    """Cuts clips out of a case that the detector was run over."""

    def __init__(self, opened: OpenedCase, detections: Detections, trace: Trace) -> None:
        self._opened, self._detections, self._trace = opened, detections, trace
        self._rate_hz = opened.recording.stream.rate_hz

    def clips(self, score: RecordingScore, *, name: str, most: int) -> tuple[tuple[Clip, ...], int]:
        """Return at most so many misses and false alarms, chosen cramps first, and how many more there were."""
        candidates = [
            (is_miss, subject)
            for kind in _ORDER
            for is_miss, subjects in ((True, score.missed[kind]), (False, score.false[kind]))
            for subject in subjects
        ]
        chosen = sorted(candidates[:most], key=lambda item: item[1].onset_s)
        extremes = self._window_extremes([self._window_around(subject) for _, subject in chosen])
        clips = [
            self._cut_clip(name, is_miss, subject, extreme)
            for (is_miss, subject), extreme in zip(chosen, extremes, strict=True)
        ]
        return tuple(clips), len(candidates) - len(clips)

    def _window_around(self, subject: Interval) -> tuple[float, float]:
        around_s = _BRIEF_AROUND_S if subject.offset_s - subject.onset_s < 1.0 else _BEFORE_S
        start_s = max(0.0, subject.onset_s - around_s)
        stop_s = min(subject.offset_s + around_s, start_s + _LONGEST_S, self._detections.duration_s)
        return start_s, stop_s

    def _cut_clip(
        self, name: str, is_miss: bool, subject: Interval, extremes: tuple[NDArray[np.float32], NDArray[np.float32]]
    ) -> Clip:
        start_s, stop_s = self._window_around(subject)
        steps_s, (envelope, floor, threshold) = self._trace.between(start_s, stop_s)
        stream = self._opened.recording.stream
        shown = Span(start_s, stop_s, subject.kind, "")
        return Clip(
            case=name,
            is_miss=is_miss,
            subject=_span_of(subject),
            start_s=start_s,
            stop_s=stop_s,
            labels=stream.labels,
            unit="uV" if stream.has_scale else "",
            lowest=extremes[0],
            highest=extremes[1],
            steps_s=steps_s,
            envelope=envelope,
            floor=floor,
            threshold=threshold,
            truth=tuple(_span_of(event) for event in self._opened.events if _is_overlapping(event, shown)),
            episodes=tuple(
                _span_of(episode) for episode in self._detections.episodes if _is_overlapping(episode, shown)
            ),
        )

    def _window_extremes(
        self, windows: Sequence[tuple[float, float]]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield lowest and highest value of each column of each window, in one pass over the signal."""
        if not windows:
            return
        found: dict[int, list[NDArray[np.float64]]] = {place: [] for place in range(len(windows))}
        first = 0
        step = max(1, round(10.0 * self._rate_hz))
        for chunk in self._opened.recording.chunks(step):
            start_s, stop_s = first / self._rate_hz, (first + len(chunk)) / self._rate_hz
            for place, window in enumerate(windows):
                if window[0] < stop_s and window[1] > start_s:
                    rows = slice(*(max(0, round(edge * self._rate_hz) - first) for edge in window))
                    found[place].append(chunk[rows])
            first += len(chunk)
        for place in range(len(windows)):
            yield _column_extremes(np.concatenate(found[place]))


def _column_extremes(samples: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return lowest and highest value of each column; NaN where a column has none."""
    samples = samples - np.nan_to_num(np.nanmedian(samples, axis=0)) if np.isfinite(samples).any() else samples
    edges = np.unique(np.linspace(0, len(samples), min(_COLUMNS, len(samples)) + 1).astype(int))[:-1]
    lowest = np.fmin.reduceat(samples, edges, axis=0)
    highest = np.fmax.reduceat(samples, edges, axis=0)
    return lowest.astype(np.float32), highest.astype(np.float32)


def _is_overlapping(one: Interval, other: Interval) -> bool:
    return one.onset_s < other.offset_s and one.offset_s > other.onset_s


def _span_of(one: Interval) -> Span:
    if isinstance(one, TruthEvent):
        text = f"{one.label.replace('_', ' ')}, {one.snr_db:.0f} dB" if np.isfinite(one.snr_db) else one.label
        return Span(one.onset_s, one.offset_s, one.kind, text.replace("_", " "))
    confidence, reasons = getattr(one, "confidence", 0.0), getattr(one, "reasons", ())
    return Span(one.onset_s, one.offset_s, one.kind, f"{one.kind}, {confidence:.0%} sure".replace("_", " "), reasons)
