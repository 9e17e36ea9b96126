"""The live stream: frames, complete as soon as their last sample is taken, in a bounded queue."""

from collections import deque
from typing import Final

import numpy as np
from crampwatch.firmware_sim.device.sampler import FrameSamples, Sampler
from crampwatch.protocol.frame import Frame, FrameFlag, encode_samples

__all__ = ["FrameEncoder", "LiveStream"]

_NONE: Final = FrameFlag(0)


class FrameEncoder:
    """Encodes frames: numbers them and marks gaps.

    Args:
        stream: Number of the stream.
        sampler: Gives the ticks of a sample.
    """

    def __init__(self, stream: int, sampler: Sampler) -> None:
        self._stream = stream
        self._sampler = sampler
        self._sequence = 0
        self._expected: int | None = None

    def restart(self, expected: int | None = None) -> None:
        """Start a new sequence; a first frame that does not start at `expected` is marked as following a gap."""
        self._expected = expected

    def frame(self, piece: FrameSamples, extra: FrameFlag = _NONE) -> bytes:
        """Encode a frame."""
        flags = piece.flags | extra
        if self._expected is not None and piece.first_index != self._expected:
            flags |= FrameFlag.GAP_BEFORE
        self._expected = piece.first_index + piece.samples
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        payload = encode_samples(piece.counts.astype(np.int32), self._sampler.form)
        ticks, index = self._sampler.ticks_of(piece.first_index), piece.first_index & 0xFFFFFFFF
        return Frame(self._stream, flags, sequence, index, ticks, payload).encode()


class LiveStream:
    """New samples on their way to the link.

    Args:
        stream: Number of the stream.
        sampler: Source of the samples.
        queue_frames: Frames that may wait for the link; beyond that the oldest are dropped, and counted.
    """

    def __init__(self, stream: int, sampler: Sampler, *, queue_frames: int) -> None:
        self.is_running = False
        self.lost_samples = 0
        self.frame_samples = 1
        self._sampler = sampler
        self._cutter = FrameEncoder(stream, sampler)
        self._queue: deque[FrameSamples] = deque()
        self._queue_frames: Final = queue_frames
        self._next_index = 0

    @property
    def due_s(self) -> float:
        """When the last sample of the next frame will be taken."""
        return self._sampler.sample_time_s(self._next_index + self.frame_samples - 1)

    def start(self, frame_samples: int) -> None:
        """Start streaming with the next sample; does nothing if it is running."""
        if not self.is_running:
            self.is_running = True
            self.frame_samples = frame_samples
            self._next_index = self._sampler.ring.next_index
            self._cutter.restart()

    def stop(self) -> None:
        """Stop, and drop frames that wait: their samples are in the ring."""
        self.is_running = False
        self.lost_samples = 0
        self._queue.clear()

    def cut_frames(self) -> None:
        """Form frames of the new samples: full ones, and a shorter last one when the source has ended."""
        if not self.is_running:
            return
        ring = self._sampler.ring
        self._next_index = max(self._next_index, ring.oldest)
        count = ring.next_index - self._next_index
        if not self._sampler.has_ended:
            count -= count % self.frame_samples
        for piece in self._sampler.split(self._next_index, count, self.frame_samples):
            self._queue.append(piece)
        self._next_index += count
        while len(self._queue) > self._queue_frames:
            self.lost_samples += self._queue.popleft().samples

    def pop_frame(self) -> bytes | None:
        """Remove and encode the oldest waiting frame; None if none waits."""
        return self._cutter.frame(self._queue.popleft()) if self._queue else None
