"""Decodes a whole session: every sample once, in order, at its final time.

Records are stored in the order of arrival, but samples are wanted in the order of their indices, and their final times
are known only after the clock has been fitted to all records. A night's samples should not fill memory, so there are
two passes:

1. Every record goes through :class:`SensorHistory`. For each run of new samples one row of eight 64-bit numbers notes
   where it belongs and which record holds it: 64 bytes per frame, 40 MB for ten hours of one sensor.
2. The rows are sorted by boot, stream and index. Frames are read again in that order, so backfilled samples come where
   they were missed, and are joined to blocks. Streams, events and readings are merged by time.

Invariants: indices within a stream never go back and no sample comes twice; block times never go back either, even
where a second clock fit overlaps the first.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import pairwise
from typing import Final, Protocol
from uuid import UUID

import numpy as np
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import (
    BatteryReading,
    EventReceived,
    LinkChange,
    Observation,
    SamplesReceived,
    SensorDescribed,
    TemperatureReading,
)
from crampwatch.decoding.profiles import Profile, find_profile
from crampwatch.decoding.runs import Run, to_block_flags
from crampwatch.decoding.sensor_clock import Timeline
from crampwatch.protocol.anchor import Anchor
from crampwatch.protocol.block import MAX_BLOCK_SAMPLES, SampleBlock
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import FrameFlag, decode_samples
from crampwatch.protocol.info import Info
from crampwatch.protocol.records import Record, SessionHead, SessionSensor
from numpy.typing import NDArray

__all__ = ["BootStarted", "DecodedItem", "SensorEventAt", "SessionRecords", "decode_sensor", "decode_session"]

_COLUMNS: Final = 8
"""Of a row: see `_Index`."""
_UNKNOWN_SESSION: Final = UUID(int=0)


class SessionRecords(Protocol):
    """Source of a session's records; :class:`crampwatch.journal.SessionReader` reads them from a session file."""

    @property
    def path(self) -> object:
        """The session file, for error messages."""

    @property
    def head(self) -> SessionHead:
        """Description of the session."""

    def sensors(self) -> tuple[SessionSensor, ...]:
        """Return the sensors of the session."""

    def anchors(self) -> dict[int, Anchor]:
        """Return the anchor of each epoch, which translates its monotonic clock to UTC."""

    def records(self, sensor_key: int) -> Iterator[Record]:
        """Yield the records of one sensor in the order of arrival."""

    def payloads(self, seqs: Sequence[int]) -> list[bytes]:
        """Return the payloads of records by their numbers, in the given order."""


@dataclass(frozen=True, slots=True)
class BootStarted:
    """The sensor was first connected, or came back after losing power: sample indices start again."""

    utc_ns: int
    info: Info


@dataclass(frozen=True, slots=True)
class SensorEventAt:
    """An event of the sensor, at the time it happened."""

    utc_ns: int
    event: SensorEvent


DecodedItem = BootStarted | SampleBlock | TemperatureReading | BatteryReading | SensorEventAt | LinkChange


def decode_session(
    reader: SessionRecords, *, sensor: str | None = None, block_s: float = 1.0
) -> Iterator[tuple[SessionSensor, DecodedItem]]:
    """Yield everything in a session, one sensor after the other, each in the order of time.

    A jump of the index from one block of a stream to the next is a gap. Times are those of the final clock fit.

    Args:
        reader: The session; it may still be recording.
        sensor: Id of the only sensor to decode; None for all.
        block_s: Maximum length of a block in seconds; a single frame is never split.

    Raises:
        RecordingError: There is no such sensor, its profile is unknown, or the file is damaged.
    """
    sensors = reader.sensors()
    selected = [one for one in sensors if sensor in (None, one.sensor)]
    if sensor is not None and not selected:
        known = ", ".join(one.sensor for one in sensors) or "none"
        raise RecordingError(f"{reader.path} has no sensor {sensor!r}.", advice=f"It has: {known}.")
    for one in selected:
        for item in decode_sensor(reader, one, block_s=block_s):
            yield one, item


def decode_sensor(reader: SessionRecords, sensor: SessionSensor, *, block_s: float = 1.0) -> Iterator[DecodedItem]:
    """Yield everything in a session of one sensor, in the order of time.

    Raises:
        RecordingError: Its profile is unknown, or the file is damaged.
    """
    profile = find_profile(sensor.profile)
    index = _Index()
    history = SensorHistory(profile, reader.anchors())
    for record in reader.records(sensor.key):
        observation = history.handle(record)
        if observation is not None:
            index.add(record.seq, observation)
    yield from _SecondPass(reader, profile, index, block_s).items()


@dataclass(slots=True)
class _Index:
    """Result of the first pass: where everything is.

    Attributes:
        boots: Each boot, with the time its Info arrived.
        rows: Flat array with one row per run of new samples: number of the boot, stream, first index, samples to skip
            at the start of the frame, number of samples, number of the record, ticks, flags of the frame.
        others: Every observation but samples, with the number of its boot.
    """

    boots: list[tuple[Boot, int]] = field(default_factory=list)
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    others: list[tuple[int, Observation]] = field(default_factory=list)

    def add(self, seq: int, observation: Observation) -> None:
        if isinstance(observation, SamplesReceived):
            self._add_samples(seq, observation)
        elif isinstance(observation, SensorDescribed):
            if observation.is_new:
                self.boots.append((observation.boot, observation.utc_ns))
        else:
            self.others.append((len(self.boots) - 1, observation))

    def _add_samples(self, seq: int, seen: SamplesReceived) -> None:
        for start, end in seen.placement.fresh:
            skipped = start - seen.placement.first_index
            ticks = seen.boot.ticks_at(seen.frame.stream, seen.placement, skipped)
            place = (len(self.boots) - 1, seen.frame.stream, start, skipped, end - start)
            self.rows.extend((*place, seq, ticks, int(seen.frame.flags)))

    def sorted_rows(self) -> NDArray[np.int64]:
        """Return the rows by boot, stream and index."""
        rows = np.frombuffer(self.rows or b"", np.int64).reshape(-1, _COLUMNS)
        return rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]


class _SecondPass:
    """Reads the samples in the order of their indices, and merges everything by time."""

    def __init__(self, reader: SessionRecords, profile: Profile, index: _Index, block_s: float) -> None:
        self._reader = reader
        self._profile = profile
        self._index = index
        self._block_s = block_s
        self._session = _session_uuid(reader.head.session)
        self._timelines = [boot.clock.final_timeline() for boot, _ in index.boots]

    def items(self) -> Iterator[DecodedItem]:
        rows = self._index.sorted_rows()
        starts = [self._boot_start(number, rows[rows[:, 0] == number]) for number in range(len(self._index.boots))]
        readings = sorted((self._with_final_time(*other) for other in self._index.others), key=_utc_ns)
        keys = rows[:, 0] * 16 + rows[:, 1]
        streams = [self._blocks(rows[keys == key]) for key in np.unique(keys)]
        yield from merge(starts, readings, *streams, key=_utc_ns)

    def _boot_start(self, boot_number: int, rows: NDArray[np.int64]) -> BootStarted:
        """Return the start of a boot, no later than its first sample: Info takes a moment to arrive."""
        boot, utc_ns = self._index.boots[boot_number]
        first_ns = self._timelines[boot_number].utc_ns(int(rows[:, 6].min())) if len(rows) else utc_ns
        return BootStarted(min(utc_ns, first_ns), boot.info)

    def _blocks(self, rows: NDArray[np.int64]) -> Iterator[SampleBlock]:
        """Yield the blocks of one stream of one boot."""
        boot, _ = self._index.boots[int(rows[0, 0])]
        timeline = self._timelines[int(rows[0, 0])]
        lsb = np.array([boot.lsb_at(int(rows[0, 1]), first) for first in rows[:, 2].tolist()])
        latest_ns = 0  # a second fit may overlap the first: readers rely on times that never go back
        max_samples = min(round(self._block_s * boot.assemblies[int(rows[0, 1])].stream.rate_hz), MAX_BLOCK_SAMPLES)
        for start, end in _split_into_blocks(rows, lsb, max_samples):
            latest_ns = max(latest_ns, timeline.utc_ns(int(rows[start, 6])))
            yield self._read_run(boot, rows[start:end], float(lsb[start])).to_block(self._session, latest_ns)

    def _read_run(self, boot: Boot, rows: NDArray[np.int64], lsb: float) -> Run:
        """Read frames that follow each other as one run."""
        stream = boot.assemblies[int(rows[0, 1])].stream
        stride = stream.channels * stream.format.sample_bytes
        values = self._reader.payloads(rows[:, 5].tolist())
        parts = [
            self._profile.sample_payload(value)[skipped * stride : (skipped + samples) * stride]
            for value, skipped, samples in zip(values, rows[:, 3].tolist(), rows[:, 4].tolist(), strict=True)
        ]
        counts = decode_samples(b"".join(parts), channels=stream.channels, form=stream.format)
        flags = to_block_flags(FrameFlag(int(rows[0, 7])), boot.info.origin)
        return Run(boot.info.boot_id, stream, flags, int(rows[0, 2]), int(rows[0, 6]), lsb, counts)

    def _with_final_time(self, boot_number: int, observation: Observation) -> DecodedItem:
        if isinstance(observation, EventReceived):
            timeline: Timeline = self._timelines[boot_number]
            utc_ns = timeline.utc_ns(observation.ticks) if timeline.is_known else observation.utc_ns
            return SensorEventAt(utc_ns, observation.event)
        assert not isinstance(observation, SamplesReceived | SensorDescribed)
        return observation


def _split_into_blocks(
    rows: NDArray[np.int64], lsb: NDArray[np.float64], max_samples: int
) -> Iterator[tuple[int, int]]:
    """Yield the first row of each block and the row after its last.

    A block ends where the index jumps, where flags or scale change, and before it would exceed its maximum length.
    """
    first, samples, flags, scale = rows[:, 2], rows[:, 4], rows[:, 7], np.nan_to_num(lsb, nan=-1.0)
    breaks = (first[1:] != first[:-1] + samples[:-1]) | (flags[1:] != flags[:-1]) | (scale[1:] != scale[:-1])
    for start, end in pairwise([0, *(np.flatnonzero(breaks) + 1).tolist(), len(rows)]):
        begin, length = start, 0
        for at, count in enumerate(samples[start:end].tolist(), start):
            if length and length + count > max_samples:
                yield begin, at
                begin, length = at, 0
            length += count
        yield begin, end


def _utc_ns(item: DecodedItem) -> int:
    return item.first_utc_ns if isinstance(item, SampleBlock) else item.utc_ns


def _session_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return _UNKNOWN_SESSION
