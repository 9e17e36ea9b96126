"""Info, frames and session records of an imaginary sensor, for tests that need no radio."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
from crampwatch.journal import SessionWriter
from crampwatch.protocol.frame import Frame, FrameFlag, encode_samples
from crampwatch.protocol.info import Capability, Info, RingState
from crampwatch.protocol.record_payloads import SyncExchange
from crampwatch.protocol.records import Record, RecordKind, SessionHead
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from numpy.typing import NDArray

BEGIN_NS = 1_790_000_000_000_000_000
MONO_NS = 1_000_000_000_000
TICK_HZ = 32_768
LIVE = FrameFlag(0)
EMG = StreamDescription(1, StreamKind.EMG, 2, SampleFormat.INT16, 1000.0, 2**-22, 0.0, (20.0, 450.0))


def counts_at(first: int, samples: int, channels: int = 2) -> NDArray[np.int32]:
    """Return the counts of samples, which depend only on their index."""
    index = np.arange(first, first + samples)[:, None]
    return ((index * (1 + np.arange(channels)) * 7919) % 60_001 - 30_000).astype(np.int32)


@dataclass
class PaperSensor:
    """Makes notifications; `first_index` and `first_ticks` are its state at 0 s."""

    stream: StreamDescription = EMG
    boot_id: int = 0xC0FFEE
    first_index: int = 0
    first_ticks: int = 0
    ppm: float = 0.0
    _sequence: int = field(default=0, init=False)

    def info(self, at_s: float = 0.0, *, capabilities: Capability = Capability.SIMULATED) -> bytes:
        index = self.index_at(at_s)
        ring = RingState(600_000, max(0, index - 600_000) & 0xFFFFFFFF, index & 0xFFFFFFFF)
        return Info(capabilities, self.boot_id, TICK_HZ, (self.stream,), (ring,), (57,)).encode()

    def index_at(self, at_s: float) -> int:
        return self.first_index + math.ceil(at_s * (1 + self.ppm * 1e-6) * self.stream.rate_hz)

    def ticks_at(self, at_s: float) -> int:
        return self.first_ticks + math.floor(at_s * (1 + self.ppm * 1e-6) * TICK_HZ)

    def time_of(self, index: int) -> float:
        """Return the true time of a sample, in seconds."""
        return (index - self.first_index) / self.stream.rate_hz / (1 + self.ppm * 1e-6)

    def frame(self, first: int, samples: int, flags: FrameFlag = LIVE) -> Frame:
        counts = counts_at(first, samples, self.stream.channels)
        ticks = self.first_ticks + math.floor((first - self.first_index) / self.stream.rate_hz * TICK_HZ)
        self._sequence += 1
        return Frame(
            self.stream.stream,
            flags,
            self._sequence & 0xFFFF,
            first & 0xFFFFFFFF,
            ticks & 0xFFFFFFFF,
            encode_samples(counts, self.stream.format),
        )


def record(kind: RecordKind, at_s: float, payload: bytes, *, sensor_key: int = 1, utc_step_s: float = 0.0) -> Record:
    """Return a record that arrived at a time of the session."""
    at_ns = round(at_s * 1e9)
    return Record(0, sensor_key, kind, MONO_NS + at_ns, BEGIN_NS + at_ns + round(utc_step_s * 1e9), payload)


def sync_record(sensor: PaperSensor, before_s: float, read_s: float, after_s: float) -> Record:
    """Return an exchange in which the sensor read its clock at `read_s`."""
    exchange = SyncExchange(
        before_ns=MONO_NS + round(before_s * 1e9),
        after_ns=MONO_NS + round(after_s * 1e9),
        ticks=sensor.ticks_at(read_s) & 0xFFFFFFFF,
        index=sensor.index_at(read_s) & 0xFFFFFFFF,
    )
    return record(RecordKind.SYNC, after_s, exchange.encode())


def write_session(folder: Path, records: Iterable[Record], *, end_s: float | None = None) -> Path:
    """Write a session of one sensor, CW-0001."""
    head = SessionHead(str(uuid4()), BEGIN_NS, MONO_NS, 0, "demo", "test")
    writer = SessionWriter.create(folder, head)
    writer.add_sensor("CW-0001", name="CW-0001", address="C0:00:00:00:00:01", profile="cws", side="left")
    writer.append(list(records))
    writer.close(None if end_s is None else BEGIN_NS + round(end_s * 1e9))
    return writer.path
