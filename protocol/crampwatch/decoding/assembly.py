"""Frames of one stream put in their place: gap-exact, each sample once, whatever the order they arrive in.

Live and stored frames overlap, repeat and overtake each other; the counter wraps. The first arrival of a sample counts.
What is missing between the begin and the newest sample is a gap until it is backfilled or given up.
"""

from dataclasses import dataclass
from typing import Final

from crampwatch.decoding.counters import unwrap, unwrap_nearest
from crampwatch.decoding.intervals import IntervalSet, Span
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.stream import StreamDescription

__all__ = ["Placement", "StreamAssembly"]

_AHEAD_S: Final = 60.0
"""A frame further in the future than this, and a tenth of the time that passed, cannot be: a sensor's clock is not that
wrong, while a counter gone wild is anywhere."""
_MAX_PIECES: Final = 4096
"""Gaps remembered at a time; beyond it the oldest is given up, so that nonsense from a sensor takes no memory."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame belongs.

    Attributes:
        first_index: Unwrapped index of its first sample.
        samples: In the frame.
        ticks: The sensor's clock at its first sample, unwrapped.
        fresh: Spans of indices that were not there before.
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
    """One stream since one boot of the sensor.

    Args:
        stream: What the sensor says of it.
        tick_hz: Rate of the sensor's clock.
        begin: Index from which on every sample is wanted.
        host_ns: When that was the sensor's next index.
    """

    def __init__(self, stream: StreamDescription, *, tick_hz: int, begin: int, host_ns: int) -> None:
        self.stream = stream
        self.received_samples = self.backfilled_samples = 0
        self._ticks_a_sample = tick_hz / stream.rate_hz
        self._stride = stream.channels * stream.format.sample_bytes
        self._begin = begin
        self._end = begin
        self._have = IntervalSet()
        self._settled = IntervalSet()
        self._reference = _Reference(begin, None, host_ns)
        self._wild_next: int | None = None

    @property
    def next_index(self) -> int:
        """Index after the newest sample known of."""
        return self._end

    @property
    def missing_samples(self) -> int:
        """How many are not there, between the begin and the newest."""
        return sum(end - start for start, end in self._have.gaps(self._begin, self._end))

    @property
    def gaps(self) -> tuple[Span, ...]:
        """What is missing and not given up, in order."""
        return self._settled.gaps(self._begin, self._end)

    @property
    def has_gaps(self) -> bool:
        """Whether anything is missing and not given up."""
        return self._settled.covered < self._end - self._begin

    def expected_index(self, host_ns: int) -> int:
        """Return about which sample the sensor takes at a time."""
        elapsed_s = max(0, host_ns - self._reference.host_ns) / 1e9
        return self._reference.index + round(elapsed_s * self.stream.rate_hz)

    def place(self, frame: Frame, host_ns: int, *, is_stored: bool = False) -> Placement:
        """Put a frame in its place.

        Args:
            frame: Of this stream.
            host_ns: When it arrived.
            is_stored: Whether it answers a backfill.

        Raises:
            FrameError: Not a whole number of samples, none, or an index that cannot be.
        """
        samples, rest = divmod(len(frame.payload), self._stride)
        if rest or samples == 0:
            raise FrameError(
                f"A frame of stream {frame.stream} holds {len(frame.payload)} octets of samples; expected a multiple "
                f"of {self._stride}."
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
        """Learn the sensor's next index (modulo 2**32): what lies before it and is not there is a gap."""
        index = self.index_near(next_index, host_ns)
        if index <= self._latest_plausible(host_ns):
            self._end = max(self._end, index)

    def index_near(self, index: int, host_ns: int) -> int:
        """Return an index told at a time, unwrapped."""
        return unwrap(index, self.expected_index(host_ns))

    def unwrapped_ticks(self, ticks: int, host_ns: int) -> int:
        """Return ticks read at a time, unwrapped."""
        return self._unwrapped_ticks(ticks, self.expected_index(host_ns))

    def anchor_ticks(self, ticks: int, host_ns: int) -> None:
        """Let ticks count from a reading that another stream's assembly has unwrapped, unless they do already."""
        self._anchor_ticks(ticks, self.expected_index(host_ns))

    def mark_lost(self, first_index: int, samples: int) -> None:
        """Let a span be a gap for ever: nobody holds it."""
        self._settled.add(first_index, first_index + samples)

    def _register(self, first: int, end: int, *, is_stored: bool) -> tuple[Span, ...]:
        fresh = self._have.add(first, end)
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
        continues, self._wild_next = first == self._wild_next, None
        if (
            first <= self._latest_plausible(host_ns) or continues
        ):  # what goes on from one wild index is where the sensor really is
            return
        self._wild_next = first + samples
        raise FrameError(
            f"A frame of stream {self.stream.stream} begins at sample {first}; about {self.expected_index(host_ns)} is "
            "due."
        )

    def _latest_plausible(self, host_ns: int) -> float:
        elapsed_s = max(0, host_ns - self._reference.host_ns) / 1e9
        return self.expected_index(host_ns) + (_AHEAD_S + elapsed_s / 10) * self.stream.rate_hz

    def _unwrapped_ticks(self, ticks: int, index: int) -> int:
        # The first reading decides which wrap of the sensor's clock is counted from; all later ones follow it.
        anchored = self._anchor_ticks(ticks, index)
        expected = anchored + round((index - self._reference.index) * self._ticks_a_sample)
        return unwrap_nearest(ticks, expected)

    def _anchor_ticks(self, ticks: int, index: int) -> int:
        """Return the reference's ticks, derived from a reading at an index where there were none."""
        if self._reference.ticks is None:
            self._reference.ticks = ticks - round((index - self._reference.index) * self._ticks_a_sample)
        return self._reference.ticks
