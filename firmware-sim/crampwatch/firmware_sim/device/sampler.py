"""Sampling: takes samples as the sensor's clock advances, remembers them in the ring, cuts them into frames."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.device.feed import Feed
from crampwatch.firmware_sim.device.ring import Count, Mark, Ring
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.frame import FrameFlag
from numpy.typing import NDArray

__all__ = ["TICK_HZ", "Cut", "Sampler"]

TICK_HZ: Final = 32_768
_TEST_SIGNAL_UV: Final = 100.0
_TEST_PERIOD_S: Final = 0.1
_FLAGS: Final = {
    Mark.CLIPPED: FrameFlag.CLIPPED,
    Mark.LEAD_OFF: FrameFlag.LEAD_OFF,
    Mark.SELF_TEST: FrameFlag.SELF_TEST,
}


class Cut:
    """A stretch of samples that fits one frame."""

    __slots__ = ("counts", "first_index", "flags")

    def __init__(self, first_index: int, counts: NDArray[Count], flags: FrameFlag) -> None:
        self.first_index = first_index
        self.counts = counts
        self.flags = flags

    @property
    def samples(self) -> int:
        """How many."""
        return len(self.counts)


class Sampler:
    """One stream's converter and memory.

    Args:
        source: The signal.
        clock: The sensor's own.
        ring_s: Seconds of samples the ring holds.
    """

    def __init__(self, source: SignalSource, clock: DriftingClock, *, ring_s: float) -> None:
        self.rate_hz = source.stream.rate_hz
        self.form = source.stream.format
        self.leads_off = 0
        self.self_test = False
        self._clock = clock
        self._feed = Feed(source)
        self.ring = Ring(max(1, round(ring_s * self.rate_hz)), source.stream.channels, self._feed.dtype)
        self._begun_s: float | None = None
        lsb_uv = source.stream.lsb_uv if source.stream.has_scale else 1.0
        self._test_counts = min(round(_TEST_SIGNAL_UV / lsb_uv), 0x7FFF) if source.stream.has_scale else 1000

    @property
    def has_begun(self) -> bool:
        """Whether samples are being taken."""
        return self._begun_s is not None

    @property
    def has_ended(self) -> bool:
        """Whether the source has no more samples."""
        end = self._feed.duration_samples
        return end is not None and self.ring.next_index >= end

    def begin(self, now_s: float) -> None:
        """Take sample 0 now."""
        self._begun_s = self._clock.device_s(now_s)

    def ticks(self, now_s: float) -> int:
        """Return the sensor's clock, modulo 2**32."""
        return math.floor(self._clock.device_s(now_s) * TICK_HZ) & 0xFFFFFFFF

    def ticks_of(self, index: int) -> int:
        """Return the sensor's clock when a sample was taken, modulo 2**32."""
        return math.floor((self._origin_s + index / self.rate_hz) * TICK_HZ) & 0xFFFFFFFF

    def taken_s(self, index: int) -> float:
        """Return the true time at which a sample is taken."""
        return self._clock.true_s(self._origin_s + index / self.rate_hz)

    def advance(self, now_s: float) -> None:
        """Take the samples that are due."""
        if self._begun_s is None:
            return
        elapsed_s = self._clock.device_s(now_s) - self._begun_s
        due = math.floor(elapsed_s * self.rate_hz + 1e-6) + 1
        if self._feed.duration_samples is not None:
            due = min(due, self._feed.duration_samples)
        if due - self.ring.next_index > self.ring.depth:
            self.ring.skip_to(due - self.ring.depth)  # asleep for longer than the ring remembers
        while self.ring.next_index < due:
            self._take(due - self.ring.next_index)

    def cuts(self, first_index: int, count: int, longest: int) -> Iterator[Cut]:
        """Yield held samples in stretches of at most `longest`, each without a gap or a change of signal."""
        counts, marks = self.ring.read(first_index, count)
        kinds = marks & (Mark.MISSING | Mark.SELF_TEST)
        edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), count]
        for begin, end in pairwise(edges):
            if begin == end or kinds[begin] & Mark.MISSING:
                continue
            for start in range(begin, end, longest):
                stop = min(start + longest, end)
                yield Cut(first_index + start, counts[start:stop], _flags(marks[start:stop]))

    @property
    def _origin_s(self) -> float:
        return 0.0 if self._begun_s is None else self._begun_s

    def _take(self, count: int) -> None:
        index = self.ring.next_index
        counts, marks = self._feed.read(index, count)
        self.leads_off = sum(1 << n for n, touches in enumerate(self._feed.contact(index)) if not touches)
        if self.leads_off:
            marks = marks | np.uint8(Mark.LEAD_OFF)
        if self.self_test:
            counts, marks = self._test_signal(index, counts), np.full(len(marks), Mark.SELF_TEST, np.uint8)
        self.ring.extend(counts, marks)

    def _test_signal(self, index: int, counts: NDArray[Count]) -> NDArray[Count]:
        phase = np.arange(index, index + len(counts)) / self.rate_hz % _TEST_PERIOD_S
        square = np.where(phase < _TEST_PERIOD_S / 2, self._test_counts, -self._test_counts)
        return np.repeat(square[:, None], counts.shape[1], axis=1).astype(self._feed.dtype)


def _flags(marks: NDArray[np.uint8]) -> FrameFlag:
    bits = int(np.bitwise_or.reduce(marks))
    flags = FrameFlag(0)
    for mark, flag in _FLAGS.items():
        if bits & mark:
            flags |= flag
    return flags
