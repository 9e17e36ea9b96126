"""One boot of a recording, being played: what is due, what nobody took, and what the sensor's clock shows."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.script import Boot, Cue, Script
from crampwatch.protocol.control import Backfill
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import RingState

__all__ = ["Playback"]

_MISSED_FRAMES: Final = 20_000
"""Frames nobody took that are kept for backfills: about 20 minutes at 17 a second, 5 MB."""
_AFTER_ANY_PACKET: Final = b"\xff" * 513


class Playback:
    """Plays one boot's notifications at their recorded distances.

    Args:
        script: The recording.
        number: Which of its boots.
    """

    def __init__(self, script: Script, number: int) -> None:
        self.boot: Boot = script.boots[number]
        self.is_last = number + 1 == len(script.boots)
        self._cues: Iterator[Cue] = script.cues(number)
        self._next: Cue | None = next(self._cues, None)
        self._started_s: float | None = None
        self._missed: deque[tuple[int, bytes]] = deque(maxlen=_MISSED_FRAMES)
        self._next_indices = {stream.stream: 0 for stream in self.boot.info.streams}
        self._latest = self.boot.info.rings[0].next_index, self.boot.ticks(self.boot.begins_s)

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to play."""
        return self._next is None

    @property
    def streams(self) -> frozenset[int]:
        """The numbers of the sensor's streams."""
        return frozenset(self._next_indices)

    def start(self, now_s: float) -> None:
        """Begin to play; does nothing once it has begun."""
        if self._started_s is None:
            self._started_s = now_s

    def due(self, now_s: float) -> Iterator[Outgoing]:
        """Yield what has fallen due, once."""
        while self._started_s is not None and self._next is not None and self._next.at_s <= self._at_s(now_s):
            outgoing = self._next.outgoing
            self._next = next(self._cues, None)
            if outgoing.channel is Channel.DATA:
                self._note_progress(outgoing.value)
            yield outgoing

    def next_due_s(self, now_s: float) -> float | None:
        """Return when the next notification is due; None where it does not play."""
        if self._started_s is None or self._next is None:
            return None
        return max(now_s, self._started_s + self._next.at_s - self.boot.begins_s)

    def miss(self, outgoing: Outgoing) -> None:
        """Keep a live frame that nobody took, as a stored one."""
        frame = _decoded(outgoing.value) if outgoing.channel is Channel.DATA else None
        if frame is not None:
            stored = replace(frame, flags=frame.flags | FrameFlag.STORED)
            self._missed.append((frame.first_index, stored.encode()))

    def held(self, asked: Backfill) -> list[bytes]:
        """Return the frames that hold samples of a range, in order; recorded ones rather than missed ones."""
        found: dict[int, bytes] = {}
        for frames in (self.boot.stored, sorted(self._missed)):
            start = max(0, bisect_right(frames, (asked.first_index, _AFTER_ANY_PACKET)) - 1)
            for index, packet in frames[start : bisect_left(frames, (asked.first_index + asked.count, b""))]:
                if index + self.samples(packet, asked.stream) > asked.first_index:
                    found.setdefault(index, packet)
        return [packet for _, packet in sorted(found.items())]

    def samples(self, packet: bytes, stream: int) -> int:
        """Return how many samples of a stream a frame carries."""
        frame, description = _decoded(packet), self.boot.info.find_stream(stream)
        if frame is None or description is None or frame.stream != stream:
            return 0
        return len(frame.payload) // (description.channels * description.format.sample_bytes)

    def ticks(self, now_s: float) -> int:
        """Return what the recorded sensor's clock shows, modulo 2**32."""
        return self.boot.ticks(self._at_s(now_s))

    def index(self, now_s: float) -> int:
        """Return the next index of the lowest stream, by the ticks that have passed since its latest frame."""
        description = self.boot.info.find_stream(min(self.streams))
        assert description is not None
        index, ticks = self._latest
        elapsed = (self.ticks(now_s) - ticks + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return index + int(elapsed / self.boot.info.tick_hz * description.rate_hz) & 0xFFFFFFFF

    def rings(self) -> tuple[tuple[int, RingState], ...]:
        """Return the rings as Info recorded them, as far as the recording has been played."""
        recorded = zip(self.boot.info.streams, self.boot.info.rings, strict=True)
        return tuple(
            (stream.stream, RingState(ring.depth, ring.oldest, self._next_indices[stream.stream] or ring.next_index))
            for stream, ring in recorded
        )

    def end(self, now_s: float) -> Outgoing:
        """Return the event that says that nothing more comes."""
        stream, index = min(self._next_indices.items())
        event = SensorEvent(EventCode.STREAM_ENDED, stream, index, self.ticks(now_s))
        return Outgoing(Channel.EVENT, event.encode())

    def _at_s(self, now_s: float) -> float:
        return self.boot.begins_s if self._started_s is None else now_s - self._started_s + self.boot.begins_s

    def _note_progress(self, packet: bytes) -> None:
        frame = _decoded(packet)
        if frame is None or frame.stream not in self._next_indices:
            return
        self._next_indices[frame.stream] = (frame.first_index + self.samples(packet, frame.stream)) & 0xFFFFFFFF
        if frame.stream == min(self._next_indices):
            self._latest = frame.first_index, frame.ticks


def _decoded(packet: bytes) -> Frame | None:
    """Return a frame; None for one that was broken when it was recorded: it is played broken."""
    try:
        return Frame.decode(packet)
    except FrameError:
        return None
