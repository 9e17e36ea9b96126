"""The timeline of a recorded session, for its replay: when each notification arrived, boot by boot.

A session file holds the records of one or more power-ups ("boots") of a sensor. Notifications are streamed from the
file as they are played. What must be known beforehand is gathered by one pass over the file: Info, the frames that
answered backfills, and the clock of the sensor as pairs of arrival time and ticks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.protocol.errors import FrameError, RecordingError
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.record_payloads import SyncExchange
from crampwatch.protocol.records import Record, RecordKind
from numpy.typing import NDArray

__all__ = ["Boot", "RecordSource", "TimedNotification", "Timeline"]

RecordSource = Callable[[], Iterator[Record]]
"""Opens the records of one sensor again, in order."""

_CLOCK_STEP_S: Final = 1.0
"""Frames this far apart define the clock well enough; a night has half a million."""
_CHANNELS: Final = {
    RecordKind.DATA: Channel.DATA,
    RecordKind.EVENT: Channel.EVENT,
    RecordKind.TEMPERATURE: Channel.TEMPERATURE,
    RecordKind.BATTERY: Channel.BATTERY,
}


@dataclass(frozen=True, slots=True)
class TimedNotification:
    """A recorded notification.

    Attributes:
        at_s: Arrival in seconds after Info was read.
        outgoing: As recorded.
    """

    at_s: float
    outgoing: Outgoing


@dataclass(slots=True)
class Boot:
    """One power-up of the sensor in the recording.

    Attributes:
        info_value: Info as first read.
        info: The same, decoded.
        stored: Frames that answered backfills: index of the first sample and the frame, in order of index.
        clock: Arrival in s and unwrapped ticks, both increasing: from SYNC requests, or else from frames.
        starts_s: When the first notification arrived.
        until_seq: Sequence number of the last record.
    """

    info_value: bytes
    info: Info
    stored: list[tuple[int, bytes]]
    clock: tuple[NDArray[np.float64], NDArray[np.float64]]
    starts_s: float
    until_seq: int

    def ticks(self, at_s: float) -> int:
        """Return the clock of the sensor at a time of the replay, modulo 2**32."""
        times, ticks = self.clock
        if not len(times):
            return int(at_s * self.info.tick_hz) & 0xFFFFFFFF
        nearest = min(max(at_s, times[0]), times[-1])
        beyond = (at_s - nearest) * self.info.tick_hz
        return int(np.interp(nearest, times, ticks) + beyond) & 0xFFFFFFFF


class Timeline:
    """The notifications of a recorded sensor in order, boot by boot.

    Raises:
        RecordingError: The recording has no readable Info.
    """

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self.boots = _read_boots(source)
        if not self.boots:
            raise RecordingError(
                "The recording has no description of its sensor, so it cannot be replayed.",
                advice="Choose a session that crampwatch recorded over Bluetooth.",
            )

    def notifications(self, boot: int) -> Iterator[TimedNotification]:
        """Yield the notifications of a boot."""
        since = self.boots[boot - 1].until_seq if boot else -1
        clock: _ArrivalClock | None = None
        for record in self._source():
            if record.seq > self.boots[boot].until_seq:
                return
            if clock is None:
                clock = _ArrivalClock() if record.seq > since and record.kind is RecordKind.INFO else None
            if clock is not None:
                at_s, channel = clock.at_s(record), _CHANNELS.get(record.kind)
                if channel is not None:
                    yield TimedNotification(at_s, Outgoing(channel, record.payload))


class _ArrivalClock:
    """Arrival times since the first record: by the monotonic clock within an epoch, by the wall clock across epochs."""

    def __init__(self) -> None:
        self._previous: Record | None = None
        self._at_s = 0.0

    def at_s(self, record: Record) -> float:
        before, self._previous = self._previous, record
        if before is not None:
            same = record.epoch == before.epoch
            step_ns = record.mono_ns - before.mono_ns if same else record.utc_ns - before.utc_ns
            self._at_s += max(step_ns, 0) * 1e-9
        return self._at_s


class _BootBuilder:
    """Gathers what must be known of a boot before it is played."""

    def __init__(self, info_value: bytes, info: Info) -> None:
        self.info_value = info_value
        self.info = info
        self._clock = _ArrivalClock()
        self._begins_s: float | None = None
        self._stored: list[tuple[int, bytes]] = []
        self._syncs: list[tuple[float, int]] = []
        self._frames: list[tuple[float, int]] = []

    def add(self, record: Record) -> None:
        at_s = self._clock.at_s(record)
        if record.kind in _CHANNELS and self._begins_s is None:
            self._begins_s = at_s
        if record.kind is RecordKind.DATA:
            self._add_frame(at_s, record.payload)
        elif record.kind is RecordKind.STORED_DATA:
            self._add_stored(record.payload)
        elif record.kind is RecordKind.SYNC:
            self._add_sync(at_s, record)

    def build(self, until_seq: int) -> Boot:
        clock = _unwrap_ticks(self._syncs if len(self._syncs) >= 2 else self._frames)
        return Boot(self.info_value, self.info, sorted(self._stored), clock, self._begins_s or 0.0, until_seq)

    def _add_frame(self, at_s: float, packet: bytes) -> None:
        if self._frames and at_s - self._frames[-1][0] < _CLOCK_STEP_S:
            return
        try:
            frame = Frame.decode(packet)
        except FrameError:
            return  # it was broken when it was recorded, and is played as it is
        stream = self.info.find_stream(frame.stream)
        if stream is not None:
            samples = len(frame.payload) // (stream.channels * stream.format.sample_bytes)
            ticks = frame.ticks + round(samples / stream.rate_hz * self.info.tick_hz)
            self._frames.append((at_s, ticks & 0xFFFFFFFF))

    def _add_stored(self, packet: bytes) -> None:
        try:
            self._stored.append((Frame.decode(packet).first_index, packet))
        except FrameError:
            return  # a broken frame cannot answer a backfill

    def _add_sync(self, at_s: float, record: Record) -> None:
        try:
            exchange = SyncExchange.decode(record.payload)
        except FrameError:
            return  # a damaged exchange gives no time
        middle_ns = (exchange.before_ns + exchange.after_ns) // 2
        self._syncs.append((at_s + (middle_ns - record.mono_ns) * 1e-9, exchange.ticks))


def _read_boots(source: RecordSource) -> list[Boot]:
    boots: list[Boot] = []
    builder: _BootBuilder | None = None
    seq = -1
    for record in source():
        if record.kind is RecordKind.INFO:
            info = _decode_info(record.payload)
            if info is not None and (builder is None or info.boot_id != builder.info.boot_id):
                if builder is not None:
                    boots.append(builder.build(seq))
                builder = _BootBuilder(record.payload, info)
        if builder is not None:
            builder.add(record)
        seq = record.seq
    return boots if builder is None else [*boots, builder.build(seq)]


def _decode_info(value: bytes) -> Info | None:
    try:
        return Info.decode(value)
    except FrameError:
        return None


def _unwrap_ticks(pairs: list[tuple[float, int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and unwrapped ticks, in order of time."""
    ordered = np.array(sorted(pairs), np.float64).reshape(-1, 2)
    return ordered[:, 0], np.unwrap(ordered[:, 1], period=2.0**32)
