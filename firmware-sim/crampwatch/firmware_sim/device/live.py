"""The live stream: frames as their last sample is taken, in a bounded queue."""

from collections import deque
from typing import Final

import numpy as np
from crampwatch.firmware_sim.device.sampler import Cut, Sampler
from crampwatch.protocol.frame import Frame, FrameFlag, encode_samples

__all__ = ["FrameCutter", "LiveStream"]

_NONE: Final = FrameFlag(0)


class FrameCutter:
    """Makes frames of cuts: numbers them and marks gaps.

    Args:
        stream: The stream's number.
        sampler: Knows the ticks of a sample.
    """

    def __init__(self, stream: int, sampler: Sampler) -> None:
        self._stream = stream
        self._sampler = sampler
        self._sequence = 0
        self._expected: int | None = None

    def restart(self, expected: int | None = None) -> None:
        """Begin anew; a first frame that does not begin at `expected` is marked as following a gap."""
        self._expected = expected

    def frame(self, cut: Cut, extra: FrameFlag = _NONE) -> bytes:
        """Return a frame's octets."""
        flags = cut.flags | extra
        if self._expected is not None and cut.first_index != self._expected:
            flags |= FrameFlag.GAP_BEFORE
        self._expected = cut.first_index + cut.samples
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        payload = encode_samples(cut.counts.astype(np.int32), self._sampler.form)
        ticks, index = self._sampler.ticks_of(cut.first_index), cut.first_index & 0xFFFFFFFF
        return Frame(self._stream, flags, sequence, index, ticks, payload).encode()


class LiveStream:
    """What is sampled now, on its way to the link.

    Args:
        stream: The stream's number.
        sampler: Where samples come from.
        queue_frames: Frames that may wait for the link; then the oldest is dropped, and counted.
    """

    def __init__(self, stream: int, sampler: Sampler, *, queue_frames: int) -> None:
        self.is_running = False
        self.lost_samples = 0
        self.frame_samples = 1
        self._sampler = sampler
        self._cutter = FrameCutter(stream, sampler)
        self._queue: deque[Cut] = deque()
        self._queue_frames: Final = queue_frames
        self._next_index = 0

    @property
    def due_s(self) -> float:
        """When the last sample of the next frame is taken."""
        return self._sampler.taken_s(self._next_index + self.frame_samples - 1)

    def start(self, frame_samples: int) -> None:
        """Stream from the next sample on; does nothing where it runs."""
        if not self.is_running:
            self.is_running = True
            self.frame_samples = frame_samples
            self._next_index = self._sampler.ring.next_index
            self._cutter.restart()

    def stop(self) -> None:
        """Stop, and drop what waits: it is in the ring."""
        self.is_running = False
        self.lost_samples = 0
        self._queue.clear()

    def cut(self) -> None:
        """Cut what was sampled into frames: full ones, and a last short one where the source has ended."""
        if not self.is_running:
            return
        ring = self._sampler.ring
        self._next_index = max(self._next_index, ring.oldest)
        count = ring.next_index - self._next_index
        if not self._sampler.has_ended:
            count -= count % self.frame_samples
        for cut in self._sampler.cuts(self._next_index, count, self.frame_samples):
            self._queue.append(cut)
        self._next_index += count
        while len(self._queue) > self._queue_frames:
            self.lost_samples += self._queue.popleft().samples

    def take(self) -> bytes | None:
        """Return the oldest frame that waits."""
        return self._cutter.frame(self._queue.popleft()) if self._queue else None
