"""The ring buffer: the sensor's memory of what it sampled, connected or not."""

from enum import IntFlag

import numpy as np
from crampwatch.protocol.info import RingState
from numpy.typing import NDArray

__all__ = ["Count", "Mark", "Ring"]

Count = np.int16 | np.int32
"""24-bit samples are held in 32 bits."""


class Mark(IntFlag):
    """What is true of one sample."""

    MISSING = 1
    """The sensor has none: its source delivered nothing."""
    CLIPPED = 2
    LEAD_OFF = 4
    SELF_TEST = 8


class Ring:
    """The newest samples of one stream, in fixed memory.

    Args:
        depth: Samples held.
        channels: Of each sample.
        dtype: Of a count.
    """

    def __init__(self, depth: int, channels: int, dtype: type[Count] = np.int16) -> None:
        self.next_index = 0
        self._oldest = 0
        self._counts = np.zeros((depth, channels), dtype)
        self._marks = np.zeros(depth, np.uint8)

    @property
    def depth(self) -> int:
        """Samples that can be held."""
        return len(self._marks)

    @property
    def oldest(self) -> int:
        """Index of the oldest sample held."""
        return max(self._oldest, self.next_index - self.depth)

    @property
    def state(self) -> RingState:
        """As Info tells it: indices modulo 2**32."""
        return RingState(self.depth, self.oldest & 0xFFFFFFFF, self.next_index & 0xFFFFFFFF)

    def extend(self, counts: NDArray[Count], marks: NDArray[np.uint8]) -> None:
        """Append samples; the oldest make room.

        Args:
            counts: Shape (samples, channels).
            marks: :class:`Mark` bits, shape (samples,).
        """
        kept = min(len(marks), self.depth)
        slots = np.arange(self.next_index + len(marks) - kept, self.next_index + len(marks)) % self.depth
        self._counts[slots] = counts[len(marks) - kept :]
        self._marks[slots] = marks[len(marks) - kept :]
        self.next_index += len(marks)

    def skip_to(self, index: int) -> None:
        """Forget everything and continue at a later index: what lies between was never taken."""
        self.next_index = self._oldest = index

    def read(self, first_index: int, count: int) -> tuple[NDArray[Count], NDArray[np.uint8]]:
        """Return counts and marks of samples that are held; see :meth:`extend` for their shapes."""
        slots = np.arange(first_index, first_index + count) % self.depth
        return self._counts[slots], self._marks[slots]
