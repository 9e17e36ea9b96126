"""Serving a backfill: what the ring holds of a range, frame by frame, as the link takes it."""

from collections import deque
from collections.abc import Iterator

from crampwatch.firmware_sim.device.live import FrameCutter
from crampwatch.firmware_sim.device.sampler import Cut, Sampler
from crampwatch.protocol.control import BackfillDone, Opcode, Reply, Status
from crampwatch.protocol.frame import FrameFlag

__all__ = ["BackfillJob"]


class BackfillJob:
    """One accepted request.

    Args:
        token: Of the request; the final indication echoes it.
        sampler: Whose ring is read.
        cutter: Numbers the stored frames.
        first_index: Unwrapped.
        count: Samples to send at most.
        frame_samples: In a full frame.
    """

    def __init__(
        self, token: int, sampler: Sampler, cutter: FrameCutter, *, first_index: int, count: int, frame_samples: int
    ) -> None:
        self._token = token
        self._sampler = sampler
        self._cutter = cutter
        self._next_index = first_index
        self._end_index = first_index + count
        self._frame_samples = frame_samples
        self._cuts: deque[Cut] = deque()
        self._sent_frames = self._sent_samples = 0
        cutter.restart(first_index)

    def take(self) -> bytes | None:
        """Return the next stored frame; None where all was sent that is still held."""
        while not self._cuts and self._next_index < self._end_index:
            self._cuts.extend(self._next_cuts())
        if not self._cuts:
            return None
        cut = self._cuts.popleft()
        self._sent_frames += 1
        self._sent_samples += cut.samples
        return self._cutter.frame(cut, FrameFlag.STORED)

    def done(self, status: Status = Status.SUCCESS) -> Reply:
        """Return the indication that ends the backfill."""
        counts = BackfillDone(self._sent_frames, self._sent_samples)
        return Reply(Opcode.BACKFILL, self._token, status, counts.encode(), done=True)

    def _next_cuts(self) -> Iterator[Cut]:
        first = max(self._next_index, self._sampler.ring.oldest)
        count = max(0, min(self._end_index - first, self._frame_samples))
        self._next_index = first + count if count else self._end_index
        return self._sampler.cuts(first, count, self._frame_samples)
