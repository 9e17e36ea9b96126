"""Runs the streaming detector over a file, for `crampwatch detect`: a recording of any format, or a session."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crampwatch import recordings
from crampwatch.app.analysis.session_analysis import SensorAnalysis, analyse_session
from crampwatch.app.cli.progress import Progress
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.cli.wording import count_text, episode_counts_text
from crampwatch.app.sessions.episode_line import EpisodeLine
from crampwatch.app.sessions.find import is_session
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.pipeline.batch import BLOCK_S, analyse_recording
from crampwatch.journal import SessionReader
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from numpy import float64
from numpy.typing import NDArray

__all__ = ["FileResult", "detect_in_file"]


@dataclass(frozen=True, slots=True)
class FileResult:
    """The episodes of a file.

    Attributes:
        lines: Episodes by onset.
        notes: What the user should know about how the file was read, one sentence each.
        unit: Of the peaks: ``uV``, or empty where the scale is unknown.
        monitored_s: Length of the signal, gaps left out.
    """

    lines: tuple[EpisodeLine, ...]
    notes: tuple[str, ...]
    unit: str
    monitored_s: float

    def counts_text(self) -> str:
        """Return how many episodes of each kind were found, as the start of a sentence."""
        text = episode_counts_text(Counter(str(line.kind) for line in self.lines), self.monitored_s)
        return f"{text[0].upper()}{text[1:]}"


def detect_in_file(
    path: Path, options: ReaderOptions, *, progress: Progress, calibration: Calibration | None = None
) -> FileResult:
    """Find the episodes of a recording or session.

    Args:
        path: The file.
        options: How to read a recording; must be empty for a session.
        progress: Called with the samples done and their total.
        calibration: Of the recording's wearer. A session uses those of its data folder, and none may be given.

    Raises:
        RecordingError: The file cannot be read.
        ConfigurationError: The options do not fit the file.
    """
    if not is_session(path):
        return _detect_in_recording(options.read(path), progress, calibration)
    options.refuse_for_session(path)
    if calibration is not None:
        raise ConfigurationError(
            f"{path} is a crampwatch session, which uses the calibrations of its data folder.",
            advice="Leave out --calibration.",
        )
    return _detect_in_session(path, progress)


def _detect_in_recording(
    recording: recordings.Recording, progress: Progress, calibration: Calibration | None
) -> FileResult:
    stream = recording.stream
    chunks = recording.chunks(max(1, round(BLOCK_S * stream.rate_hz)))
    counter = _SampleCounter()
    episodes = analyse_recording(
        stream,
        counter.count(chunks, recording.sample_count, progress),
        temperature=recording.temperature,
        calibration=calibration,
    )
    if counter.samples == 0:
        raise RecordingError(
            f"{recording.source_text} holds no samples.", advice="Check that it was copied completely."
        )
    notes = [recording.source_text, *recording.warnings]
    if not stream.has_scale:
        notes.append("The scale is unknown: amplitudes are in the file's own units, detection is relative to rest.")
    if calibration is not None:
        notes.append(f"Calibration used: {calibration.name}.")
    if recording.origin is Origin.DEMO:
        notes.append("This is simulated data.")
    return FileResult(
        tuple(_recording_line(episode, recording.start_utc_ns) for episode in episodes),
        tuple(notes),
        "uV" if stream.has_scale else "",
        counter.samples / stream.rate_hz,
    )


class _SampleCounter:
    """Counts samples on their way to the detector."""

    samples = 0

    def count(
        self, chunks: Iterable[NDArray[float64]], total: int | None, progress: Progress
    ) -> Iterator[NDArray[float64]]:
        for chunk in chunks:
            yield chunk
            self.samples += len(chunk)
            progress(self.samples, total)


def _detect_in_session(path: Path, progress: Progress) -> FileResult:
    with SessionReader(path) as reader:
        sensors = list(analyse_session(reader, progress=progress))
        notes = [f"{path}, session {reader.head.session}, {count_text(len(sensors), 'sensor')}."]
        if reader.head.origin != Origin.LIVE:
            kind = "simulated data" if reader.head.origin == Origin.DEMO else "a replayed recording"
            notes.append(f"This is {kind}.")
        if not reader.has_ended:
            notes.append("The session was interrupted, or is still being recorded.")
    used = sorted({episode.calibration for one in sensors for episode in one.episodes} - {""})
    notes += [f"Calibration used: {name}." for name in used]
    is_relative = any(one.unit == "relative" for one in sensors)
    if is_relative:
        notes.append("The scale is unknown: amplitudes are in the sensor's own units, detection is relative to rest.")
    lines = [line for one in sensors for line in _session_lines(one, is_only=len(sensors) == 1)]
    return FileResult(
        tuple(sorted(lines, key=lambda line: line.onset_utc_ns or 0)),
        tuple(notes),
        "" if is_relative else "uV",
        max((one.monitored_s for one in sensors), default=0.0),
    )


def _session_lines(analysis: SensorAnalysis, *, is_only: bool) -> Iterator[EpisodeLine]:
    for episode in analysis.episodes:
        yield EpisodeLine(
            onset_s=analysis.onset_s(episode),
            offset_s=analysis.offset_s(episode),
            onset_utc_ns=episode.onset_ns,
            kind=episode.kind,
            channels=episode.channels,
            detected_at_s=analysis.detected_at_s(episode),
            confidence=episode.confidence,
            peak_uv=episode.peak,
            reasons=episode.reasons,
            sensor="" if is_only else analysis.sensor.sensor,
            calibration=episode.calibration,
        )


def _recording_line(episode: Episode, start_utc_ns: int | None) -> EpisodeLine:
    onset_ns = None if start_utc_ns is None else start_utc_ns + round(episode.onset_s * 1e9)
    return EpisodeLine(
        onset_s=episode.onset_s,
        offset_s=episode.offset_s,
        onset_utc_ns=onset_ns,
        kind=episode.kind,
        channels=episode.channels,
        detected_at_s=episode.detected_at_s,
        confidence=episode.confidence,
        peak_uv=episode.peak,
        reasons=episode.reasons,
        calibration=episode.calibration,
    )
