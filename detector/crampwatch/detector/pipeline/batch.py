"""A whole recording through the streaming detector, in bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.events import EpisodeChange, EpisodeStatus, Event
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["Episode", "EpisodeCollector", "analyse_recording"]

Array = NDArray[np.float64]

_CHUNK_S = 60.0


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode as finally judged. Times in seconds from the first sample.

    Attributes:
        onset_s: First visible activity.
        offset_s: Last visible activity.
        kind: What it most likely is.
        channels: Channels that take part, the strongest first.
        detected_at_s: When the detector could first have said this kind.
        confidence: How sure the kind is, 0 to 1.
        peak_uv: Largest deviation of the EMG band, uV (counts where the scale is unknown).
        why: Reasons, for the wearer.
        episode_id: The same as in a live run.
        calibration: Id and date of the personal calibration it was judged with; empty where there was none.
    """

    onset_s: float
    offset_s: float
    kind: EpisodeKind
    channels: tuple[int, ...]
    detected_at_s: float
    confidence: float
    peak_uv: float
    why: tuple[Reason, ...]
    episode_id: str
    calibration: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in plain English."""
        return tuple(reason.text for reason in self.why)


class EpisodeCollector:
    """Keeps the last revision of every episode."""

    def __init__(self) -> None:
        self._latest: dict[str, EpisodeChange] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Take events in the order they were said."""
        for event in events:
            if not isinstance(event, EpisodeChange):
                continue
            if event.status is EpisodeStatus.RETRACTED:
                self._latest.pop(event.episode_id, None)
            else:
                self._latest[event.episode_id] = event

    def episodes(self, rate_hz: float, *, first_index: int = 0) -> list[Episode]:
        """Return the episodes so far, by onset; one still open ends where it was last known."""
        ordered = sorted(self._latest.values(), key=lambda change: change.onset_index)
        return [_episode(change, rate_hz, first_index) for change in ordered]


def analyse_recording(
    stream: StreamDescription,
    emg: Array | Iterable[Array],
    *,
    temperature: tuple[Array, float] | None = None,
    first_index: int = 0,
    config: DetectorConfig | None = None,
    calibration: Calibration | None = None,
) -> list[Episode]:
    """Detect the episodes of a recording.

    Args:
        stream: Rate, scale and channels.
        emg: uV (counts where the scale is unknown), NaN where missing, (n, channels); or consecutive pieces of that.
        temperature: Skin temperature in degC from the first sample on, and its rate in Hz.
        first_index: Sample index of the first row.
        config: Thresholds; the defaults where None.
        calibration: What is known of the wearer, from the first sample on; None where nothing is.

    Raises:
        ConfigurationError: The stream cannot be analysed, or the calibration is of another kind of stream.
    """
    detector = Pipeline(stream, config=config)
    if calibration is not None:
        detector.calibrate(calibration)
    collector = EpisodeCollector()
    index = first_index
    for piece in _pieces(emg, stream.rate_hz):
        _tell_temperature(detector, temperature, index, first_index)
        collector.take(detector.push(index, piece))
        index += len(piece)
    collector.take(detector.finish())
    return collector.episodes(stream.rate_hz, first_index=first_index)


def _pieces(emg: Array | Iterable[Array], rate_hz: float) -> Iterator[Array]:
    if not isinstance(emg, np.ndarray):
        yield from emg
        return
    step = max(1, round(_CHUNK_S * rate_hz))
    for start in range(0, len(emg), step):
        yield emg[start : start + step]


def _tell_temperature(
    detector: Pipeline, temperature: tuple[Array, float] | None, index: int, first_index: int
) -> None:
    if temperature is None or not len(temperature[0]):
        return
    values, rate_hz = temperature
    place = int((index - first_index) / detector.stream.rate_hz * rate_hz)
    detector.push_temperature(index, float(values[min(place, len(values) - 1)]))


def _episode(change: EpisodeChange, rate_hz: float, first_index: int) -> Episode:
    end = change.detected_index if change.offset_index is None else change.offset_index
    return Episode(
        onset_s=(change.onset_index - first_index) / rate_hz,
        offset_s=(end - first_index) / rate_hz,
        kind=change.kind,
        channels=change.channels,
        detected_at_s=(change.detected_index - first_index) / rate_hz,
        confidence=change.confidence,
        peak_uv=change.peak_uv,
        why=change.reasons,
        episode_id=change.episode_id,
        calibration=change.calibration,
    )
