"""Playing one boot of a recorded session: notifications that are due, missed frames, and the clock of the sensor."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.timeline import Boot, TimedNotification, Timeline
from crampwatch.protocol.control import Backfill
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import RingState

__all__ = ["Playback"]

_MISSED_FRAMES: Final = 20_000
"""Frames that no host received and that are stored for backfills: about 20 minutes at 17 per second, 5 MB."""
_AFTER_ANY_FRAME: Final = b"\xff" * 513
"""Compares greater than any frame, for bisection of (index, frame) pairs."""


class Playback:
    """Plays the notifications of one boot with their recorded intervals.

    Args:
        timeline: The recording.
        number: Index of the boot.
    """

    def __init__(self, timeline: Timeline, number: int) -> None:
        self.boot: Boot = timeline.boots[number]
        self.is_last = number + 1 == len(timeline.boots)
        self._notifications: Iterator[TimedNotification] = timeline.notifications(number)
        self._next: TimedNotification | None = next(self._notifications, None)
        self._started_s: float | None = None
        self._missed: deque[tuple[int, bytes]] = deque(maxlen=_MISSED_FRAMES)
        self._next_indices = {stream.stream: 0 for stream in self.boot.info.streams}
        self._latest = self.boot.info.rings[0].next_index, self.boot.ticks(self.boot.starts_s)

    @property
    def has_ended(self) -> bool:
        """Whether everything was played."""
        return self._next is None

    @property
    def streams(self) -> frozenset[int]:
        """Numbers of the streams."""
        return frozenset(self._next_indices)

    def start(self, now_s: float) -> None:
        """Start to play; does nothing if it has started."""
        if self._started_s is None:
            self._started_s = now_s

    def pop_due(self, now_s: float) -> Iterator[Outgoing]:
        """Yield the notifications that have become due, once each."""
        while (
            self._started_s is not None and self._next is not None and self._next.at_s <= self._recording_time_s(now_s)
        ):
            outgoing = self._next.outgoing
            self._next = next(self._notifications, None)
            if outgoing.channel is Channel.DATA:
                self._update_progress(outgoing.value)
            yield outgoing

    def next_due_s(self, now_s: float) -> float | None:
        """Return when the next notification is due; None if it is not playing."""
        if self._started_s is None or self._next is None:
            return None
        return max(now_s, self._started_s + self._next.at_s - self.boot.starts_s)

    def store_missed(self, outgoing: Outgoing) -> None:
        """Store a live frame that no host received, for backfills; other notifications are ignored."""
        frame = _decoded(outgoing.value) if outgoing.channel is Channel.DATA else None
        if frame is not None:
            stored = replace(frame, flags=frame.flags | FrameFlag.STORED)
            self._missed.append((frame.first_index, stored.encode()))

    def frames_covering(self, asked: Backfill) -> list[bytes]:
        """Return the frames with samples of a range, in order; those backfilled before those missed."""
        found: dict[int, bytes] = {}
        for frames in (self.boot.stored, sorted(self._missed)):
            start = max(0, bisect_right(frames, (asked.first_index, _AFTER_ANY_FRAME)) - 1)
            for index, packet in frames[start : bisect_left(frames, (asked.first_index + asked.count, b""))]:
                if index + self.count_samples(packet, asked.stream) > asked.first_index:
                    found.setdefault(index, packet)
        return [packet for _, packet in sorted(found.items())]

    def count_samples(self, packet: bytes, stream: int) -> int:
        """Return how many samples of a stream a frame contains."""
        frame, description = _decoded(packet), self.boot.info.find_stream(stream)
        if frame is None or description is None or frame.stream != stream:
            return 0
        return len(frame.payload) // (description.channels * description.format.sample_bytes)

    def ticks(self, now_s: float) -> int:
        """Return the clock of the recorded sensor, modulo 2**32."""
        return self.boot.ticks(self._recording_time_s(now_s))

    def index(self, now_s: float) -> int:
        """Return the next index of the first stream, extrapolated by ticks from its latest frame."""
        description = self.boot.info.find_stream(min(self.streams))
        assert description is not None
        index, ticks = self._latest
        elapsed = (self.ticks(now_s) - ticks + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return index + int(elapsed / self.boot.info.tick_hz * description.rate_hz) & 0xFFFFFFFF

    def rings(self) -> tuple[tuple[int, RingState], ...]:
        """Return the rings as in the recorded Info, filled as far as the recording was played."""
        recorded = zip(self.boot.info.streams, self.boot.info.rings, strict=True)
        return tuple(
            (stream.stream, RingState(ring.depth, ring.oldest, self._next_indices[stream.stream] or ring.next_index))
            for stream, ring in recorded
        )

    def stream_ended_event(self, now_s: float) -> Outgoing:
        """Return the event that reports the end of the stream."""
        stream, index = min(self._next_indices.items())
        event = SensorEvent(EventCode.STREAM_ENDED, stream, index, self.ticks(now_s))
        return Outgoing(Channel.EVENT, event.encode())

    def _recording_time_s(self, now_s: float) -> float:
        return self.boot.starts_s if self._started_s is None else now_s - self._started_s + self.boot.starts_s

    def _update_progress(self, packet: bytes) -> None:
        frame = _decoded(packet)
        if frame is None or frame.stream not in self._next_indices:
            return
        self._next_indices[frame.stream] = (frame.first_index + self.count_samples(packet, frame.stream)) & 0xFFFFFFFF
        if frame.stream == min(self._next_indices):
            self._latest = frame.first_index, frame.ticks


def _decoded(packet: bytes) -> Frame | None:
    """Decode a frame; None if it was broken when it was recorded: it is played as it is."""
    try:
        return Frame.decode(packet)
    except FrameError:
        return None
