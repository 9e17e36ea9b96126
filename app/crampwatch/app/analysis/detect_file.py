"""The streaming detector over a whole file: what `crampwatch detect` says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crampwatch import recordings
from crampwatch.app.analysis.reanalyse import SensorVerdict, session_verdicts
from crampwatch.app.cli.progress import Progress
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.sessions.find import is_session
from crampwatch.app.sessions.text import Line
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.pipeline.batch import BLOCK_S, analyse_recording
from crampwatch.journal import SessionReader
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from numpy import float64
from numpy.typing import NDArray

__all__ = ["Findings", "find"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a file holds.

    Attributes:
        lines: Episodes by onset.
        notes: What a person should know of how it was read, one sentence each.
        unit: Of the peaks: ``uV``, or empty where the scale is unknown.
        monitored_s: Length of the signal that was there.
    """

    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    unit: str
    monitored_s: float


def find(path: Path, options: ReaderOptions, *, progress: Progress, calibration: Calibration | None = None) -> Findings:
    """Run the streaming detector over a recording or a session of ours.

    Args:
        path: The file.
        options: How to read a recording.
        progress: Told samples done, and of how many.
        calibration: What is known of a recording's wearer. A session is judged with those of its data folder.

    Raises:
        RecordingError: It cannot be read.
        ConfigurationError: The options do not fit it.
    """
    if is_session(path):
        if options.given:
            raise ConfigurationError(
                f"{path} is a session of ours, which says itself how it is to be read.",
                advice="Leave out --channels, --rate-hz, --scale and --column.",
            )
        if calibration is not None:
            raise ConfigurationError(
                f"{path} is a session of ours, which is judged with the calibrations of its data folder.",
                advice="Leave out --calibration.",
            )
        return _find_in_session(path, progress)
    return _find_in_recording(options.read(path), progress, calibration)


def _find_in_recording(
    recording: recordings.Recording, progress: Progress, calibration: Calibration | None
) -> Findings:
    stream = recording.stream
    chunks = recording.chunks(max(1, round(BLOCK_S * stream.rate_hz)))
    counter = _Counter()
    episodes = analyse_recording(
        stream,
        counter.watch(chunks, recording.sample_count, progress),
        temperature=recording.temperature,
        calibration=calibration,
    )
    if counter.samples == 0:
        raise RecordingError(f"{recording.source_text} holds no sample.", advice="Check that it was copied whole.")
    notes = [recording.source_text, *recording.warnings]
    if not stream.has_scale:
        notes.append("The scale is unknown: amplitudes are in the file's own units, detection is relative to rest.")
    if calibration is not None:
        notes.append(f"Judged with calibration {calibration.name}.")
    if recording.origin is Origin.DEMO:
        notes.append("This is simulated data.")
    return Findings(
        tuple(_line(episode, recording.start_utc_ns) for episode in episodes),
        tuple(notes),
        "uV" if stream.has_scale else "",
        counter.samples / stream.rate_hz,
    )


class _Counter:
    """Counts what passes."""

    samples = 0

    def watch(
        self, chunks: Iterable[NDArray[float64]], total: int | None, progress: Progress
    ) -> Iterator[NDArray[float64]]:
        for chunk in chunks:
            yield chunk
            self.samples += len(chunk)
            progress(self.samples, total)


def _find_in_session(path: Path, progress: Progress) -> Findings:
    with SessionReader(path) as reader:
        verdicts = list(session_verdicts(reader, progress=progress))
        notes = [f"{path}, session {reader.head.session}, {len(verdicts)} sensor(s)."]
        if reader.head.origin != Origin.LIVE:
            kind = "simulated data" if reader.head.origin == Origin.DEMO else "a replayed recording"
            notes.append(f"This is {kind}.")
        if not reader.has_ended:
            notes.append("The session did not end in order, or is still being recorded.")
    used = sorted({episode.calibration for one in verdicts for episode in one.episodes} - {""})
    notes += [f"Judged with calibration {name}." for name in used]
    relative = any(one.unit == "relative" for one in verdicts)
    if relative:
        notes.append("The scale is unknown: amplitudes are in the sensor's own units, detection is relative to rest.")
    lines = [line for one in verdicts for line in _session_lines(one, is_only=len(verdicts) == 1)]
    return Findings(
        tuple(sorted(lines, key=lambda line: line.onset_utc_ns or 0)),
        tuple(notes),
        "" if relative else "uV",
        max((one.monitored_s for one in verdicts), default=0.0),
    )


def _session_lines(verdict: SensorVerdict, *, is_only: bool) -> Iterator[Line]:
    for episode in verdict.episodes:
        yield Line(
            onset_s=verdict.onset_s(episode),
            offset_s=verdict.offset_s(episode),
            onset_utc_ns=episode.onset_ns,
            kind=episode.kind,
            channels=episode.channels,
            detected_at_s=verdict.detected_at_s(episode),
            confidence=episode.confidence,
            peak_uv=episode.peak,
            reasons=episode.reasons,
            sensor="" if is_only else verdict.sensor.sensor,
            calibration=episode.calibration,
        )


def _line(episode: Episode, start_utc_ns: int | None) -> Line:
    onset_ns = None if start_utc_ns is None else start_utc_ns + round(episode.onset_s * 1e9)
    return Line(
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
