"""Runs the detector over one case and scores both its live revisions and its final result."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from crampwatch.app.evaluation.case import Case, OpenedCase
from crampwatch.app.evaluation.clip import Clip, ClipMaker, Trace
from crampwatch.detector.model.events import Features
from crampwatch.detector.pipeline.batch import BLOCK_S, EpisodeCollector, temperature_at
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.detector.scoring.recording import Detections, RecordingScore, score_recording
from crampwatch.detector.scoring.revisions import TrailCollector
from crampwatch.recordings.recording import Samples

__all__ = ["Trial", "run_case"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One case, evaluated.

    Attributes:
        name: Name of the case.
        simulated: Whether the signal is simulated.
        score: Its score.
        duration_s: Length of the signal.
        detecting_s: Time the detector took, without reading or simulating the signal.
        clips: Misses and false alarms, up to the number requested.
        clips_left_out: How many more there were.
    """

    name: str
    simulated: bool
    score: RecordingScore
    duration_s: float
    detecting_s: float
    clips: tuple[Clip, ...] = ()
    clips_left_out: int = 0


def run_case(case: Case, *, clips: int = 0) -> Trial:
    """Run the detector over a case and score it.

    Args:
        case: Recording with its truth.
        clips: How many misses and false alarms to keep for plots, at most.

    Raises:
        CrampwatchError: The case cannot be opened or read.
    """
    opened = case.open()
    detections, trace, detecting_s = _run_detector(opened, with_trace=clips > 0)
    score = score_recording(opened.events, detections)
    maker = ClipMaker(opened, detections, trace)
    chosen, left_out = maker.clips(score, name=case.name, most=clips)
    return Trial(case.name, case.simulated, score, detections.duration_s, detecting_s, chosen, left_out)


def _run_detector(opened: OpenedCase, *, with_trace: bool) -> tuple[Detections, Trace, float]:
    """Run the detector as `analyse_recording` does; return all revisions, the trace and the seconds it took."""
    stream = opened.recording.stream
    pipeline, collector, trails = Pipeline(stream), EpisodeCollector(), TrailCollector()
    if opened.calibration is not None:
        pipeline.calibrate(opened.calibration)
    trace = Trace(stream.rate_hz)
    seconds, samples = 0.0, 0
    for first, chunk in _indexed_chunks(opened):
        start_s = time.perf_counter()
        celsius = temperature_at(opened.recording.temperature, first / stream.rate_hz)
        if celsius is not None:
            pipeline.push_temperature(first, celsius)
        events = pipeline.push(first, chunk)
        seconds += time.perf_counter() - start_s
        samples = first + len(chunk)
        collector.update(events)
        trails.update(events)
        if with_trace:
            for one in events:
                if isinstance(one, Features):
                    trace.update(one)
    events = pipeline.finish()
    collector.update(events)
    trails.update(events)
    return Detections(collector.episodes(), trails.trails(), samples / stream.rate_hz), trace, seconds


def _indexed_chunks(opened: OpenedCase) -> Iterator[tuple[int, Samples]]:
    first = 0
    for chunk in opened.recording.chunks(max(1, round(BLOCK_S * opened.recording.stream.rate_hz))):
        yield first, chunk
        first += len(chunk)
