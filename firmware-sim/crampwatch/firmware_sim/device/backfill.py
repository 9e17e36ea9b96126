"""Serving a backfill: the part of a range that the ring holds, frame by frame, as fast as the link takes it."""

from collections import deque
from collections.abc import Iterator

from crampwatch.firmware_sim.device.live import FrameEncoder
from crampwatch.firmware_sim.device.sampler import FrameSamples, Sampler
from crampwatch.protocol.control import BackfillDone, Opcode, Reply, Status
from crampwatch.protocol.frame import FrameFlag

__all__ = ["BackfillJob"]


class BackfillJob:
    """An accepted backfill request.

    Args:
        token: Of the request; the final indication repeats it.
        sampler: Its ring is read.
        cutter: Numbers the stored frames.
        first_index: Not wrapped.
        count: Samples to send at most.
        frame_samples: Samples in a full frame.
    """

    def __init__(
        self, token: int, sampler: Sampler, cutter: FrameEncoder, *, first_index: int, count: int, frame_samples: int
    ) -> None:
        self._token = token
        self._sampler = sampler
        self._cutter = cutter
        self._next_index = first_index
        self._end_index = first_index + count
        self._frame_samples = frame_samples
        self._pieces: deque[FrameSamples] = deque()
        self._sent_frames = self._sent_samples = 0
        cutter.restart(first_index)

    def next_frame(self) -> bytes | None:
        """Return the next stored frame; None once everything was sent that the ring still holds."""
        while not self._pieces and self._next_index < self._end_index:
            self._pieces.extend(self._next_pieces())
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self._sent_frames += 1
        self._sent_samples += piece.samples
        return self._cutter.frame(piece, FrameFlag.STORED)

    def final_reply(self, status: Status = Status.SUCCESS) -> Reply:
        """Return the indication that ends the backfill."""
        counts = BackfillDone(self._sent_frames, self._sent_samples)
        return Reply(Opcode.BACKFILL, self._token, status, counts.encode(), done=True)

    def _next_pieces(self) -> Iterator[FrameSamples]:
        first = max(self._next_index, self._sampler.ring.oldest)
        count = max(0, min(self._end_index - first, self._frame_samples))
        self._next_index = first + count if count else self._end_index
        return self._sampler.split(first, count, self._frame_samples)
