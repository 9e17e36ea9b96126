"""The ring buffer: the samples that the sensor remembers, whether it was connected or not."""

from enum import IntFlag

import numpy as np
from crampwatch.protocol.info import RingState
from numpy.typing import NDArray

__all__ = ["Count", "Mark", "Ring"]

Count = np.int16 | np.int32
"""24-bit samples are stored in 32 bits."""


class Mark(IntFlag):
    """Properties of one sample."""

    MISSING = 1
    """The source delivered no sample."""
    CLIPPED = 2
    LEAD_OFF = 4
    SELF_TEST = 8


class Ring:
    """The newest samples of one stream, in fixed memory.

    Args:
        depth: Number of samples that it holds.
        channels: Values per sample.
        dtype: Of a count.
    """

    def __init__(self, depth: int, channels: int, dtype: type[Count] = np.int16) -> None:
        self.next_index = 0
        self._oldest = 0
        self._counts = np.zeros((depth, channels), dtype)
        self._marks = np.zeros(depth, np.uint8)

    @property
    def depth(self) -> int:
        """Number of samples that it can hold."""
        return len(self._marks)

    @property
    def oldest(self) -> int:
        """Index of the oldest sample in it."""
        return max(self._oldest, self.next_index - self.depth)

    @property
    def state(self) -> RingState:
        """State as in Info: indices modulo 2**32."""
        return RingState(self.depth, self.oldest & 0xFFFFFFFF, self.next_index & 0xFFFFFFFF)

    def extend(self, counts: NDArray[Count], marks: NDArray[np.uint8]) -> None:
        """Append samples, overwriting the oldest.

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
        """Discard everything and continue at a later index: the samples between were never taken."""
        self.next_index = self._oldest = index

    def read(self, first_index: int, count: int) -> tuple[NDArray[Count], NDArray[np.uint8]]:
        """Return counts and marks of samples that are in it; see :meth:`extend` for their shapes."""
        slots = np.arange(first_index, first_index + count) % self.depth
        return self._counts[slots], self._marks[slots]
