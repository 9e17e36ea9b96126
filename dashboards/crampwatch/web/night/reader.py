"""Reads a session file into what a night is drawn from, batch by batch, while it is written or long after."""

import math
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import Described, SamplesSeen, TemperatureReading
from crampwatch.decoding.profiles import Profile, profile_named
from crampwatch.journal import Anchor, SessionReader
from crampwatch.protocol.frame import decode_samples
from crampwatch.protocol.records import Record, RecordKind, SessionHead, SessionSensor
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.web.live.waveform import HighPass
from crampwatch.web.night.model.pyramid import Pyramid
from crampwatch.web.night.model.signal import BootSignal, Row
from numpy.typing import NDArray

__all__ = ["BATCH", "SensorNight", "SessionFollower", "samples_of"]

BATCH: Final = 2000
"""Records a step: as many as the reader takes at once, two minutes of one sensor."""


class SensorNight:
    """One sensor of a session as far as it was read.

    Args:
        sensor: Of the session.
    """

    def __init__(self, sensor: SessionSensor) -> None:
        self.sensor = sensor
        self.signals: list[BootSignal] = []
        self.temperature: list[tuple[int, float]] = []
        """UTC nanoseconds and degrees Celsius."""


class SessionFollower:
    """Takes a session's records in order; call :meth:`step` until it says that there is no more for now.

    Args:
        path: Of the session file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sensors: dict[str, SensorNight] = {}
        self.head: SessionHead | None = None
        self.ended_ns: int | None = None
        self.seq = 0
        self.last_seq = 0
        self._anchors: dict[int, Anchor] = {}
        self._hearings: dict[int, _SensorReader] = {}

    @property
    def is_complete(self) -> bool:
        """Whether the session has ended and was read to its end."""
        return self.ended_ns is not None and self.seq >= self.last_seq

    @property
    def share(self) -> float:
        """How much of it was read, 0 to 1."""
        return 1.0 if not self.last_seq else min(1.0, self.seq / self.last_seq)

    def step(self) -> bool:
        """Take the next records; return whether there are more at once.

        Raises:
            CrampwatchError: The file cannot be read.
        """
        with SessionReader(self.path) as reader:
            self._open(reader)
            records = list(islice(reader.records(after_seq=self.seq), BATCH))
        for record in records:
            self._take(record)
        for hearing in self._hearings.values():
            hearing.flush()
        return self.seq < self.last_seq and bool(records)

    def fit(self) -> None:
        """Tell all samples their times, as far as the clocks are known by now."""
        for hearing in self._hearings.values():
            hearing.fit()

    def _open(self, reader: SessionReader) -> None:
        self.head, self.ended_ns, self.last_seq = reader.head, reader.ended_utc_ns, reader.last_seq
        self._anchors.update(reader.anchors())
        for sensor in reader.sensors():
            if sensor.key not in self._hearings:
                night = self.sensors[sensor.sensor] = SensorNight(sensor)
                self._hearings[sensor.key] = _SensorReader(night, self._anchors)
            self._hearings[sensor.key].night.sensor = sensor

    def _take(self, record: Record) -> None:
        self.seq = record.seq
        hearing = self._hearings.get(record.sensor_key)
        if hearing is not None:
            hearing.take(record)


class _SensorReader:
    """One sensor's records turned into signals, as a person looks at them: without drift below the EMG's band."""

    def __init__(self, night: SensorNight, anchors: dict[int, Anchor]) -> None:
        self.night = night
        self._profile: Profile = profile_named(night.sensor.profile)
        self._history = SensorHistory(self._profile, anchors)
        self._boots: list[tuple[Boot, BootSignal]] = []
        self._high_pass = HighPass()
        self._next = -1
        self._pending: list[tuple[Row, bytes]] = []

    def take(self, record: Record) -> None:
        observation = self._history.take(record)
        if isinstance(observation, SamplesSeen):
            self._take_samples(record, observation)
        elif isinstance(observation, Described) and observation.is_new:
            self.flush()
            self._begin(observation.boot)
        elif isinstance(observation, TemperatureReading) and math.isfinite(observation.celsius):
            self.night.temperature.append((observation.utc_ns, observation.celsius))

    def flush(self) -> None:
        """Draw the live samples that were gathered: long runs cost a fraction of single frames."""
        if not self._pending:
            return
        _, signal = self._boots[-1]
        pieces = [samples_of(self._profile, signal, row, payload) for row, payload in self._pending]
        for row, _ in self._pending:
            signal.frames.extend(row)
        signal.draw(self._pending[0][0][0], self._high_pass(np.concatenate(pieces), signal.rate_hz))
        self._pending.clear()

    def fit(self) -> None:
        for boot, signal in self._boots:
            timeline = boot.clock.timeline() if boot.clock.is_known else None
            if timeline is not None and len(signal.frames):
                signal.fit(timeline.utc_ns)

    def _begin(self, boot: Boot) -> None:
        emg = [one for one in boot.info.streams if one.kind is StreamKind.EMG]
        if not emg:
            return
        signal = _signal_of(self.night.sensor, boot, emg[0])
        self._boots.append((boot, signal))
        self.night.signals.append(signal)
        self._next = -1

    def _take_samples(self, record: Record, seen: SamplesSeen) -> None:
        if not self._boots or seen.frame.stream != self._boots[-1][1].stream or seen.boot is not self._boots[-1][0]:
            return
        boot, signal = self._boots[-1]
        for first, end in seen.placement.fresh:
            signal.record_gain(first, _units(boot.lsb_at(signal.stream, first)))
            skipped = first - seen.placement.first_index
            ticks = boot.ticks_at(signal.stream, seen.placement, skipped)
            row = (first, end - first, skipped, record.seq, ticks)
            if record.kind is RecordKind.STORED_DATA:
                signal.frames.extend(row)
                values = samples_of(self._profile, signal, row, record.payload)
                signal.draw(first, HighPass()(values, signal.rate_hz))
            else:
                self._take_live(row, record.payload)

    def _take_live(self, row: Row, payload: bytes) -> None:
        if row[0] != self._next:
            self.flush()
            self._high_pass = HighPass()
        self._pending.append((row, payload))
        self._next = row[0] + row[1]


def samples_of(profile: Profile, signal: BootSignal, row: Row, payload: bytes) -> NDArray[np.float64]:
    """Return a frame's fresh samples, shape (samples, channels): microvolts, or counts where the scale is unknown."""
    stride = signal.channels * signal.octets
    part = profile.samples(payload)[row[2] * stride : (row[2] + row[1]) * stride]
    form = SampleFormat.INT16 if signal.octets == SampleFormat.INT16.octets else SampleFormat.INT24
    counts = decode_samples(part, channels=signal.channels, form=form)
    return np.asarray(counts * signal.gain_at(row[0]), np.float64)


def _units(lsb_v: float) -> float:
    return lsb_v * 1e6 if math.isfinite(lsb_v) and lsb_v > 0 else 1.0


def _signal_of(sensor: SessionSensor, boot: Boot, stream: StreamDescription) -> BootSignal:
    return BootSignal(
        sensor=sensor.sensor,
        boot_id=boot.info.boot_id,
        stream=stream.stream,
        channels=stream.channels,
        rate_hz=stream.rate_hz,
        octets=stream.format.octets,
        unit="uV" if stream.scale_known else "relative",
        labels=stream.labels,
        pyramid=Pyramid(stream.channels),
    )
