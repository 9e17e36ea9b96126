"""A finished recording through the streaming pipeline, in bounded memory."""

from collections.abc import Iterable, Iterator

import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import Event
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["BLOCK_S", "EpisodeCollector", "analyse_recording", "temperature_at"]

Array = NDArray[np.float64]

BLOCK_S = 60.0
"""Length of the pieces a recording is analysed in: 1 MB for two channels at 1 kHz. Any length gives the same episodes;
shorter ones take longer."""


class EpisodeCollector:
    """Collects the latest revision of every episode, without those retracted."""

    def __init__(self) -> None:
        self._latest: dict[str, Episode] = {}

    def update(self, events: Iterable[Event]) -> None:
        """Add events, in the order in which the pipeline returned them; other events than episodes are skipped."""
        for event in events:
            if not isinstance(event, Episode):
                continue
            if event.status is EpisodeStatus.RETRACTED:
                self._latest.pop(event.episode_id, None)
            else:
                self._latest[event.episode_id] = event

    def episodes(self) -> list[Episode]:
        """Return the episodes so far, by onset."""
        return sorted(self._latest.values(), key=lambda episode: episode.onset_index)


def analyse_recording(
    stream: StreamDescription,
    emg: Array | Iterable[Array],
    *,
    temperature: tuple[Array, float] | None = None,
    config: DetectorConfig | None = None,
    calibration: Calibration | None = None,
) -> list[Episode]:
    """Find the episodes of a finished recording.

    Args:
        stream: Rate, scale and channels.
        emg: uV (counts where the scale is unknown), NaN where missing, (n, channels); or consecutive pieces of that.
        temperature: Skin temperature in degC from the first sample on, and its rate in Hz.
        config: Thresholds; the defaults where None.
        calibration: Personal calibration, used from the first sample on.

    Returns:
        The final revision of each episode, by onset.

    Raises:
        ConfigurationError: The stream cannot be analysed, or the calibration belongs to another kind of stream.
    """
    pipeline = Pipeline(stream, config=config)
    if calibration is not None:
        pipeline.calibrate(calibration)
    collector = EpisodeCollector()
    index = 0
    for piece in _pieces(emg, stream.rate_hz):
        celsius = temperature_at(temperature, index / stream.rate_hz)
        if celsius is not None:
            pipeline.push_temperature(index, celsius)
        collector.update(pipeline.push(index, piece))
        index += len(piece)
    collector.update(pipeline.finish())
    return collector.episodes()


def temperature_at(temperature: tuple[Array, float] | None, time_s: float) -> float | None:
    """Return the skin temperature at a time from the first sample on, in degC.

    After the end of the series its last value holds. None without a series.

    >>> temperature_at((np.array([31.0, 31.5, 32.0]), 0.1), 19.9)
    31.5
    """
    if temperature is None or not len(temperature[0]):
        return None
    values, rate_hz = temperature
    return float(values[min(int(time_s * rate_hz), len(values) - 1)])


def _pieces(emg: Array | Iterable[Array], rate_hz: float) -> Iterator[Array]:
    if not isinstance(emg, np.ndarray):
        yield from emg
        return
    step = max(1, round(BLOCK_S * rate_hz))
    for start in range(0, len(emg), step):
        yield emg[start : start + step]
