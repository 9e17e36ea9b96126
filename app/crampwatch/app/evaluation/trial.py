"""The detector over one case: what it said, live and in the end, and how that scores."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from crampwatch.app.evaluation.case import Case, Opened
from crampwatch.app.evaluation.clip import Clip, ClipMaker, Trace
from crampwatch.detector.model.events import Features
from crampwatch.detector.pipeline.batch import BLOCK_S, EpisodeCollector, temperature_at
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.detector.scoring.recording import Told, Verdicts, score_recording
from crampwatch.detector.scoring.revisions import TrailKeeper
from crampwatch.recordings.recording import Samples

__all__ = ["Trial", "try_case"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One case, evaluated.

    Attributes:
        name: Of the case.
        simulated: Whether its signal was.
        verdicts: Its score.
        duration_s: Length of the signal.
        detecting_s: Time the detector took.
        clips: Misses and false alarms, as far as asked for.
        clips_left_out: Those that were not plotted.
    """

    name: str
    simulated: bool
    verdicts: Verdicts
    duration_s: float
    detecting_s: float
    clips: tuple[Clip, ...] = ()
    clips_left_out: int = 0


def try_case(case: Case, *, clips: int = 0) -> Trial:
    """Evaluate a case.

    Args:
        case: Which.
        clips: Misses and false alarms to keep for plots, at most.

    Raises:
        CrampwatchError: It cannot be opened or read.
    """
    opened = case.open()
    told, trace, detecting_s = _detected(opened, traced=clips > 0)
    verdicts = score_recording(opened.events, told)
    maker = ClipMaker(opened, told, trace)
    kept, left_out = maker.clips(verdicts, name=case.name, most=clips)
    return Trial(case.name, case.simulated, verdicts, told.duration_s, detecting_s, kept, left_out)


def _detected(opened: Opened, *, traced: bool) -> tuple[Told, Trace, float]:
    """Run the detector as `batch.detect` does, and keep all it says."""
    stream = opened.recording.stream
    detector, collector, keeper = Pipeline(stream), EpisodeCollector(), TrailKeeper(stream.rate_hz)
    if opened.calibration is not None:
        detector.calibrate(opened.calibration)
    trace = Trace(stream.rate_hz)
    seconds, samples = 0.0, 0
    for first, chunk in _chunks(opened):
        began_s = time.perf_counter()
        celsius = temperature_at(opened.recording.temperature, first / stream.rate_hz)
        if celsius is not None:
            detector.push_temperature(first, celsius)
        events = detector.push(first, chunk)
        seconds += time.perf_counter() - began_s
        samples = first + len(chunk)
        collector.update(events)
        keeper.update(events)
        if traced:
            for one in events:
                if isinstance(one, Features):
                    trace.update(one)
    events = detector.finish()
    collector.update(events)
    keeper.update(events)
    return Told(collector.episodes(), keeper.trails(), samples / stream.rate_hz), trace, seconds


def _chunks(opened: Opened) -> Iterator[tuple[int, Samples]]:
    first = 0
    for chunk in opened.recording.chunks(max(1, round(BLOCK_S * opened.recording.stream.rate_hz))):
        yield first, chunk
        first += len(chunk)
