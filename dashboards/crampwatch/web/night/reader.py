"""Reads a session file into the data a night is drawn from: in batches, while it is written or long after.

Following a growing file. Records have ascending sequence numbers. A follower remembers the number of the last record
it handled; :meth:`SessionFollower.read_batch` opens the file, reads up to 2000 records after that number, and closes
it. SQLite's write-ahead log gives the reader a consistent snapshot while the collector keeps writing, so nothing is
locked and an incomplete transaction is never seen. Between batches the caller can answer requests, report progress
(``share_read``), or turn to another session that somebody is waiting for.

Each sensor's records go through the same decoding as the collector's own (`SensorHistory`): it finds boots, places
frames, and drops samples that were already seen (a backfill overlaps with live data). Then:

- Live frames are gathered and filtered as one run per batch, since a long run costs a fraction of single frames; a
  missing frame ends the run and resets the high-pass.
- Backfilled frames (STORED_DATA) are filtered one by one, since they arrive out of order.
- Only the pyramid and the frame table (where each frame is in the file) stay in memory; samples are read again from
  the file when a screen needs them.

Times come last: :meth:`SessionFollower.fit_times` fits the clocks on all anchors known so far. It is called now and
then while reading, and once at the end.
"""

import math
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import SamplesReceived, SensorDescribed, TemperatureReading
from crampwatch.decoding.profiles import Profile, find_profile
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
"""Records per batch: as many as `SessionReader` fetches at once, about two minutes of one sensor."""


class SensorNight:
    """One sensor of a session, as far as it has been read.

    Args:
        sensor: The sensor's row in the session file.
    """

    def __init__(self, sensor: SessionSensor) -> None:
        self.sensor = sensor
        self.signals: list[BootSignal] = []
        self.temperature: list[tuple[int, float]] = []
        """Readings: UTC nanoseconds and degrees Celsius."""


class SessionFollower:
    """Reads one session; call :meth:`read_batch` until it returns False, and again when the file has grown.

    Args:
        path: The session file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sensors: dict[str, SensorNight] = {}
        self.head: SessionHead | None = None
        self.ended_ns: int | None = None
        self.seq = 0
        self.last_seq = 0
        self._anchors: dict[int, Anchor] = {}
        self._readers: dict[int, _SensorReader] = {}

    @property
    def is_complete(self) -> bool:
        """Whether the session has ended and has been read to its end."""
        return self.ended_ns is not None and self.seq >= self.last_seq

    @property
    def share_read(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return 1.0 if not self.last_seq else min(1.0, self.seq / self.last_seq)

    def read_batch(self) -> bool:
        """Read the next records; return whether more are already there.

        Raises:
            CrampwatchError: The file cannot be read.
        """
        with SessionReader(self.path) as reader:
            self._read_head(reader)
            records = list(islice(reader.records(after_seq=self.seq), BATCH))
        for record in records:
            self._handle_record(record)
        for sensor in self._readers.values():
            sensor.flush()
        return self.seq < self.last_seq and bool(records)

    def fit_times(self) -> None:
        """Set when samples were taken, as far as the sensors' clocks are known by now."""
        for sensor in self._readers.values():
            sensor.fit_times()

    def _read_head(self, reader: SessionReader) -> None:
        self.head, self.ended_ns, self.last_seq = reader.head, reader.ended_utc_ns, reader.last_seq
        self._anchors.update(reader.anchors())
        for sensor in reader.sensors():
            if sensor.key not in self._readers:
                night = self.sensors[sensor.sensor] = SensorNight(sensor)
                self._readers[sensor.key] = _SensorReader(night, self._anchors)
            self._readers[sensor.key].night.sensor = sensor

    def _handle_record(self, record: Record) -> None:
        self.seq = record.seq
        sensor = self._readers.get(record.sensor_key)
        if sensor is not None:
            sensor.handle_record(record)


class _SensorReader:
    """Turns one sensor's records into signals, without drift below the EMG's band."""

    def __init__(self, night: SensorNight, anchors: dict[int, Anchor]) -> None:
        self.night = night
        self._profile: Profile = find_profile(night.sensor.profile)
        self._history = SensorHistory(self._profile, anchors)
        self._boots: list[tuple[Boot, BootSignal]] = []
        self._high_pass = HighPass()
        self._next_index = -1
        self._pending: list[tuple[Row, bytes]] = []

    def handle_record(self, record: Record) -> None:
        observation = self._history.handle(record)
        if isinstance(observation, SamplesReceived):
            self._add_samples(record, observation)
        elif isinstance(observation, SensorDescribed) and observation.is_new:
            self.flush()
            self._start_boot(observation.boot)
        elif isinstance(observation, TemperatureReading) and math.isfinite(observation.celsius):
            self.night.temperature.append((observation.utc_ns, observation.celsius))

    def flush(self) -> None:
        """Filter the gathered live samples as one run and add them to the signal."""
        if not self._pending:
            return
        _, signal = self._boots[-1]
        pieces = [samples_of(self._profile, signal, row, payload) for row, payload in self._pending]
        for row, _ in self._pending:
            signal.frames.extend(row)
        signal.add_samples(self._pending[0][0][0], self._high_pass(np.concatenate(pieces), signal.rate_hz))
        self._pending.clear()

    def fit_times(self) -> None:
        """Set when the samples of each boot were taken, where its clock is known."""
        for boot, signal in self._boots:
            timeline = boot.clock.final_timeline() if boot.clock.is_known else None
            if timeline is not None and len(signal.frames):
                signal.fit_times(timeline.utc_ns)

    def _start_boot(self, boot: Boot) -> None:
        emg = [one for one in boot.info.streams if one.kind is StreamKind.EMG]
        if not emg:
            return
        signal = _new_signal(self.night.sensor, boot, emg[0])
        self._boots.append((boot, signal))
        self.night.signals.append(signal)
        self._next_index = -1

    def _add_samples(self, record: Record, seen: SamplesReceived) -> None:
        if not self._boots or seen.frame.stream != self._boots[-1][1].stream or seen.boot is not self._boots[-1][0]:
            return
        boot, signal = self._boots[-1]
        for first, end in seen.placement.fresh:
            signal.record_gain(first, _units_per_count(boot.lsb_at(signal.stream, first)))
            skipped = first - seen.placement.first_index
            ticks = boot.ticks_at(signal.stream, seen.placement, skipped)
            row = (first, end - first, skipped, record.seq, ticks)
            if record.kind is RecordKind.STORED_DATA:
                signal.frames.extend(row)
                values = samples_of(self._profile, signal, row, record.payload)
                signal.add_samples(first, HighPass()(values, signal.rate_hz))
            else:
                self._gather_live(row, record.payload)

    def _gather_live(self, row: Row, payload: bytes) -> None:
        if row[0] != self._next_index:
            self.flush()
            self._high_pass = HighPass()
        self._pending.append((row, payload))
        self._next_index = row[0] + row[1]


def samples_of(profile: Profile, signal: BootSignal, row: Row, payload: bytes) -> NDArray[np.float64]:
    """Return the samples that a row of the frame table refers to, shape (samples, channels).

    Args:
        profile: The sensor's profile.
        signal: The signal they belong to.
        row: Row of its frame table.
        payload: Payload of the record that the row names.

    Returns:
        Microvolts, or counts if the scale is unknown.
    """
    stride = signal.channels * signal.sample_bytes
    part = profile.sample_payload(payload)[row[2] * stride : (row[2] + row[1]) * stride]
    form = SampleFormat.INT16 if signal.sample_bytes == SampleFormat.INT16.sample_bytes else SampleFormat.INT24
    counts = decode_samples(part, channels=signal.channels, form=form)
    return np.asarray(counts * signal.gain_at(row[0]), np.float64)


def _units_per_count(lsb_v: float) -> float:
    return lsb_v * 1e6 if math.isfinite(lsb_v) and lsb_v > 0 else 1.0


def _new_signal(sensor: SessionSensor, boot: Boot, stream: StreamDescription) -> BootSignal:
    return BootSignal(
        sensor=sensor.sensor,
        boot_id=boot.info.boot_id,
        stream=stream.stream,
        channels=stream.channels,
        rate_hz=stream.rate_hz,
        sample_bytes=stream.format.sample_bytes,
        unit="uV" if stream.has_scale else "relative",
        labels=stream.labels,
        pyramid=Pyramid(stream.channels),
    )
