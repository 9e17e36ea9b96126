"""Puts the frames of one stream in their place: each sample once, every gap known exactly, in any order of arrival.

Live frames get lost, repeated or corrupted on the radio. Stored frames, fetched from the sensor's ring buffer after a
gap, overlap live ones and overtake them. Three rules make a stream of them:

* **Unwrapping.** Indices and ticks arrive modulo 2**32. The newest live frame is the reference: from its index, its
  arrival and the rate follows which index is expected now, and the full index is the one nearest to that. So even an
  absence of more than half a wrap is resolved, by time. Ticks are unwrapped the same way; the first reading since the
  boot decides which wrap is counted from.
* **Plausibility.** An index too far ahead of the expected one is refused, else one corrupted counter would open a gap
  of weeks. If the very next frame goes on from there, the sensor really is there, and it is believed.
* **Settling.** Every index is *present* (the first arrival of a sample counts; later copies are ignored) or a *gap*.
  A gap is wanted until it is backfilled or marked lost.

Invariants: an index is reported as fresh exactly once; present and missing samples together are all indices from the
begin to the newest one; memory is bounded whatever the sensor sends.
"""

from dataclasses import dataclass
from typing import Final

from crampwatch.decoding.counters import unwrap, unwrap_nearest
from crampwatch.decoding.intervals import IntervalSet, Span
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.stream import StreamDescription

__all__ = ["Placement", "StreamAssembly"]

_MAX_AHEAD_S: Final = 60.0
_MAX_AHEAD_SHARE: Final = 0.1
"""A frame may be ahead of its time by a minute plus a tenth of the time since the last one: no sensor's clock is that
wrong, while a corrupt counter can be anywhere."""
_MAX_PIECES: Final = 4096
"""Separate pieces remembered; beyond that the oldest gap is given up, so that corrupt indices cannot fill memory. Of a
night with a gap every 10 s this is more than eleven hours."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame belongs.

    Attributes:
        first_index: Unwrapped index of its first sample.
        samples: Number of samples in the frame.
        ticks: Unwrapped clock of the sensor at its first sample.
        fresh: Spans of indices that had not been present before.
    """

    first_index: int
    samples: int
    ticks: int
    fresh: tuple[Span, ...]


@dataclass(slots=True)
class _Reference:
    """The newest live sample's index and ticks, and when it arrived."""

    index: int
    ticks: int | None
    host_ns: int


class StreamAssembly:
    """One stream from one boot of the sensor to the next.

    Args:
        stream: Description of the stream.
        tick_hz: Rate of the sensor's clock.
        begin: Index from which on every sample is wanted, normally the sensor's next one when it was first read.
        host_ns: When that was read.
    """

    def __init__(self, stream: StreamDescription, *, tick_hz: int, begin: int, host_ns: int) -> None:
        self.stream = stream
        self.received_samples = self.backfilled_samples = 0
        self._ticks_per_sample = tick_hz / stream.rate_hz
        self._sample_bytes = stream.channels * stream.format.sample_bytes
        self._begin = begin
        self._end = begin
        self._present = IntervalSet()
        self._settled = IntervalSet()
        self._reference = _Reference(begin, None, host_ns)
        self._implausible_next: int | None = None

    @property
    def next_index(self) -> int:
        """Index after the newest sample that was received or announced."""
        return self._end

    @property
    def missing_samples(self) -> int:
        """Number of samples missing up to `next_index`, those marked lost included."""
        return sum(end - start for start, end in self._present.gaps(self._begin, self._end))

    @property
    def gaps(self) -> tuple[Span, ...]:
        """Spans that are missing and not marked lost, in order."""
        return self._settled.gaps(self._begin, self._end)

    @property
    def has_gaps(self) -> bool:
        """Whether anything is missing and not marked lost; faster than `gaps`."""
        return self._settled.covered < self._end - self._begin

    def expected_index(self, host_ns: int) -> int:
        """Return the index of about the sample that the sensor takes at a host time."""
        elapsed_s = max(0, host_ns - self._reference.host_ns) / 1e9
        return self._reference.index + round(elapsed_s * self.stream.rate_hz)

    def place(self, frame: Frame, host_ns: int, *, is_stored: bool = False) -> Placement:
        """Put a frame of this stream in its place.

        Args:
            frame: The frame.
            host_ns: When it arrived.
            is_stored: Whether it answers a backfill; then it does not show where the sensor is by now.

        Raises:
            FrameError: No whole number of samples, or an implausible index.
        """
        samples, rest = divmod(len(frame.payload), self._sample_bytes)
        if rest or samples == 0:
            raise FrameError(
                f"A frame of stream {frame.stream} holds {len(frame.payload)} bytes of samples; expected a multiple "
                f"of {self._sample_bytes}."
            )
        expected = self.expected_index(host_ns)
        first = unwrap(frame.first_index, expected)
        if first > expected:
            self._check_plausible(first, samples, host_ns)
        ticks = self._unwrapped_ticks(frame.ticks, first)
        if not is_stored and first + samples > self._reference.index:
            self._reference = _Reference(first, ticks, host_ns)
        return Placement(first, samples, ticks, self._register(first, first + samples, is_stored=is_stored))

    def expect_index(self, next_index: int, host_ns: int) -> None:
        """Handle an announcement of the sensor's next index (modulo 2**32): what is missing before it is a gap.

        An implausible announcement is ignored.
        """
        index = self.index_near(next_index, host_ns)
        if index <= self._latest_plausible(host_ns):
            self._end = max(self._end, index)

    def index_near(self, index: int, host_ns: int) -> int:
        """Return the unwrapped index of one that was read modulo 2**32 at a host time."""
        return unwrap(index, self.expected_index(host_ns))

    def unwrapped_ticks(self, ticks: int, host_ns: int) -> int:
        """Return the unwrapped ticks of a reading modulo 2**32 at a host time."""
        return self._unwrapped_ticks(ticks, self.expected_index(host_ns))

    def anchor_ticks(self, ticks: int, host_ns: int) -> None:
        """Count ticks from a reading that another stream's assembly has unwrapped, unless they are counted already."""
        self._anchor_ticks(ticks, self.expected_index(host_ns))

    def mark_lost(self, first_index: int, samples: int) -> None:
        """Mark a span as lost: the sensor does not hold it any more. It stays missing but is no gap to fill."""
        self._settled.add(first_index, first_index + samples)

    def _register(self, first: int, end: int, *, is_stored: bool) -> tuple[Span, ...]:
        fresh = self._present.add(first, end)
        self._settled.add(first, end)
        self._end = max(self._end, end)
        count = end - first if fresh == ((first, end),) else sum(stop - start for start, stop in fresh)
        if is_stored:
            self.backfilled_samples += count
        else:
            self.received_samples += count
        if len(self._settled) > _MAX_PIECES:
            self._settled.fill_first_gap()
        return fresh

    def _check_plausible(self, first: int, samples: int, host_ns: int) -> None:
        continues, self._implausible_next = first == self._implausible_next, None
        if continues or first <= self._latest_plausible(host_ns):
            return
        self._implausible_next = first + samples
        raise FrameError(
            f"A frame of stream {self.stream.stream} starts at sample {first}; about {self.expected_index(host_ns)} "
            "is due."
        )

    def _latest_plausible(self, host_ns: int) -> float:
        elapsed_s = max(0, host_ns - self._reference.host_ns) / 1e9
        return self.expected_index(host_ns) + (_MAX_AHEAD_S + elapsed_s * _MAX_AHEAD_SHARE) * self.stream.rate_hz

    def _unwrapped_ticks(self, ticks: int, index: int) -> int:
        anchored = self._anchor_ticks(ticks, index)
        expected = anchored + round((index - self._reference.index) * self._ticks_per_sample)
        return unwrap_nearest(ticks, expected)

    def _anchor_ticks(self, ticks: int, index: int) -> int:
        """Return the reference's ticks, derived from a reading at an index where there were none."""
        if self._reference.ticks is None:
            self._reference.ticks = ticks - round((index - self._reference.index) * self._ticks_per_sample)
        return self._reference.ticks
