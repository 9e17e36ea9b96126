"""A recording as the signal of a sensor, read from its file as it is played."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.stream import SampleFormat, StreamDescription
from crampwatch.recordings.recording import Recording, Temperature
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

__all__ = ["RecordedSource"]

_RAILS = {SampleFormat.INT16: 0x7FFF, SampleFormat.INT24: 0x7FFFFF}


@dataclass(frozen=True, slots=True)
class _Extent:
    samples: int
    largest: float


class RecordedSource:
    """A recording as a `SignalSource`. Reading forward is cheap; going back costs a pass over the file.

    If the file was not digitised in 16 bits, it is read once beforehand to choose a sample format without loss: 16 bits
    if the range and the finest step allow, else 24. An unknown scale remains unknown: a count is then one step of the
    unit of the file.

    Raises:
        RecordingError: The recording is empty or cannot be read.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        is_sixteen = recording.stream.format is SampleFormat.INT16 and recording.stream.has_scale
        if is_sixteen and recording.sample_count is not None:
            self.stream, self.duration_samples = recording.stream, recording.sample_count
            self._unit = 1.0
        else:
            extent = _extent(recording)
            self.duration_samples = extent.samples
            self.stream, self._unit = _digitised(recording, extent.largest)
        if self.duration_samples == 0:
            raise RecordingError(f"There are no samples in this recording ({recording.source_text}).")
        self.truth: tuple[TruthEvent, ...] = ()
        temperature = recording.temperature or Temperature(np.zeros(0), 1.0)
        self._temperature, self._temperature_rate_hz = temperature
        self._chunk_samples = max(1, math.ceil(self.stream.rate_hz))
        self._chunks: Iterator[NDArray[np.float64]] = iter(())
        self._held: NDArray[np.float64] = np.zeros((0, self.stream.channels))
        self._held_first = 0

    @property
    def temperature_rate_hz(self) -> float:
        """Skin temperature values per second."""
        return self._temperature_rate_hz

    def read(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return samples, shape (count, channels), NaN where missing; shorter only at the end.

        Raises:
            RecordingError: The file turns out to be unreadable further in.
        """
        if first_index < self._held_first or not len(self._held):
            self._chunks, self._held_first = self._recording.chunks(self._chunk_samples), 0
            self._held = next(self._chunks, self._held[:0])
        while self._held_first + len(self._held) < first_index + count:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            drop = min(max(first_index - self._held_first, 0), len(self._held))
            self._held = np.concatenate((self._held[drop:], chunk))
            self._held_first += drop
        start = max(first_index - self._held_first, 0)
        return self._held[start : start + count] / self._unit

    def temperature_c(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return skin temperature in degC; NaN where the recording has none."""
        held = self._temperature[first_index : first_index + count]
        return np.concatenate((held, np.full(count - len(held), math.nan)))

    def contact(self, t_s: float) -> tuple[bool, ...]:  # noqa: ARG002 - a file does not tell
        """Return contact on all channels: files do not state it."""
        return (True,) * self.stream.channels


def _extent(recording: Recording) -> _Extent:
    """Read the recording once to find its length and largest value."""
    samples, largest = 0, 0.0
    for chunk in recording.chunks(65_536):
        samples += len(chunk)
        largest = max(largest, float(np.nanmax(np.abs(chunk), initial=0.0)))
    return _Extent(samples, largest)


def _digitised(recording: Recording, largest: float) -> tuple[StreamDescription, float]:
    """Return the stream as a converter would deliver it, and the number of file units per microvolt (or count)."""
    steps = [step for step in (recording.stream.lsb_uv, recording.value_step) if math.isfinite(step) and step > 0]
    step = steps[0] if steps else largest / _RAILS[SampleFormat.INT16] or 1.0
    form = SampleFormat.INT16 if largest / step < _RAILS[SampleFormat.INT16] else SampleFormat.INT24
    step = max(step, largest / _RAILS[form])
    if not recording.stream.has_scale:
        return replace(recording.stream, format=form), step
    return replace(recording.stream, format=form, lsb=step * 1e-6), 1.0
