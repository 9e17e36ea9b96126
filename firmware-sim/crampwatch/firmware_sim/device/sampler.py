"""Sampling: takes samples as the clock of the sensor advances, stores them in the ring, splits them for frames."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.device.converter import Converter
from crampwatch.firmware_sim.device.ring import Count, Mark, Ring
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.frame import FrameFlag
from numpy.typing import NDArray

__all__ = ["TICK_HZ", "FrameSamples", "Sampler"]

TICK_HZ: Final = 32_768
"""Of a watch crystal."""
_TEST_SIGNAL_UV: Final = 100.0
_TEST_PERIOD_S: Final = 0.1
"""The self test is a square wave of +-100 uV at 10 Hz (docs/protocol.md, SELF_TEST)."""
_FLAG_OF_MARK: Final = {
    Mark.CLIPPED: FrameFlag.CLIPPED,
    Mark.LEAD_OFF: FrameFlag.LEAD_OFF,
    Mark.SELF_TEST: FrameFlag.SELF_TEST,
}


class FrameSamples:
    """A stretch of samples that fits one frame."""

    __slots__ = ("counts", "first_index", "flags")

    def __init__(self, first_index: int, counts: NDArray[Count], flags: FrameFlag) -> None:
        self.first_index = first_index
        self.counts = counts
        self.flags = flags

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.counts)


class Sampler:
    """Converter and memory of one stream.

    Args:
        source: The signal.
        clock: Of the sensor.
        ring_s: Seconds of samples that the ring holds.
    """

    def __init__(self, source: SignalSource, clock: DriftingClock, *, ring_s: float) -> None:
        self.rate_hz = source.stream.rate_hz
        self.form = source.stream.format
        self.leads_off = 0
        self.self_test = False
        self._clock = clock
        self._converter = Converter(source)
        self.ring = Ring(max(1, round(ring_s * self.rate_hz)), source.stream.channels, self._converter.dtype)
        self._started_at_s: float | None = None
        lsb_uv = source.stream.lsb_uv if source.stream.has_scale else 1.0
        self._test_counts = min(round(_TEST_SIGNAL_UV / lsb_uv), 0x7FFF) if source.stream.has_scale else 1000

    @property
    def has_started(self) -> bool:
        """Whether samples are being taken."""
        return self._started_at_s is not None

    @property
    def has_ended(self) -> bool:
        """Whether the source has no more samples."""
        end = self._converter.duration_samples
        return end is not None and self.ring.next_index >= end

    def start(self, now_s: float) -> None:
        """Start sampling: sample 0 is taken now."""
        self._started_at_s = self._clock.device_s(now_s)

    def ticks(self, now_s: float) -> int:
        """Return the clock of the sensor, modulo 2**32."""
        return math.floor(self._clock.device_s(now_s) * TICK_HZ) & 0xFFFFFFFF

    def ticks_of(self, index: int) -> int:
        """Return the clock of the sensor at a sample, modulo 2**32."""
        return math.floor((self._origin_s + index / self.rate_hz) * TICK_HZ) & 0xFFFFFFFF

    def sample_time_s(self, index: int) -> float:
        """Return the true time at which a sample is taken."""
        return self._clock.true_s(self._origin_s + index / self.rate_hz)

    def advance(self, now_s: float) -> None:
        """Take the samples that are due."""
        if self._started_at_s is None:
            return
        elapsed_s = self._clock.device_s(now_s) - self._started_at_s
        due = math.floor(elapsed_s * self.rate_hz + 1e-6) + 1
        if self._converter.duration_samples is not None:
            due = min(due, self._converter.duration_samples)
        if due - self.ring.next_index > self.ring.depth:
            self.ring.skip_to(due - self.ring.depth)  # more time has passed than the ring holds
        while self.ring.next_index < due:
            self._sample_at_once(due - self.ring.next_index)

    def split(self, first_index: int, count: int, longest: int) -> Iterator[FrameSamples]:
        """Yield stored samples in pieces of at most `longest`, each without a gap or a start or end of a self test."""
        counts, marks = self.ring.read(first_index, count)
        kinds = marks & (Mark.MISSING | Mark.SELF_TEST)
        edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), count]
        for begin, end in pairwise(edges):
            if begin == end or kinds[begin] & Mark.MISSING:
                continue
            for start in range(begin, end, longest):
                stop = min(start + longest, end)
                yield FrameSamples(first_index + start, counts[start:stop], _flags(marks[start:stop]))

    @property
    def _origin_s(self) -> float:
        return 0.0 if self._started_at_s is None else self._started_at_s

    def _sample_at_once(self, count: int) -> None:
        index = self.ring.next_index
        counts, marks = self._converter.read(index, count)
        self.leads_off = sum(1 << n for n, touches in enumerate(self._converter.contact(index)) if not touches)
        if self.leads_off:
            marks = marks | np.uint8(Mark.LEAD_OFF)
        if self.self_test:
            counts, marks = self._test_signal(index, counts), np.full(len(marks), Mark.SELF_TEST, np.uint8)
        self.ring.extend(counts, marks)

    def _test_signal(self, index: int, counts: NDArray[Count]) -> NDArray[Count]:
        phase = np.arange(index, index + len(counts)) / self.rate_hz % _TEST_PERIOD_S
        square = np.where(phase < _TEST_PERIOD_S / 2, self._test_counts, -self._test_counts)
        return np.repeat(square[:, None], counts.shape[1], axis=1).astype(self._converter.dtype)


def _flags(marks: NDArray[np.uint8]) -> FrameFlag:
    bits = int(np.bitwise_or.reduce(marks))
    flags = FrameFlag(0)
    for mark, flag in _FLAG_OF_MARK.items():
        if bits & mark:
            flags |= flag
    return flags
