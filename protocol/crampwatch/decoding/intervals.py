"""A set of integers as half-open intervals: which sample indices are present."""

from bisect import bisect_left, bisect_right

__all__ = ["IntervalSet", "Span"]

Span = tuple[int, int]
"""First index, and the one after the last."""


class IntervalSet:
    """A set of integers, stored as disjoint sorted intervals; appending at the end takes constant time.

    >>> have = IntervalSet()
    >>> have.add(0, 10), have.add(5, 20), have.add(30, 40)
    (((0, 10),), ((10, 20),), ((30, 40),))
    >>> have.gaps(0, 40)
    ((20, 30),)
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._covered = 0

    def __len__(self) -> int:
        """Return how many separate intervals there are."""
        return len(self._starts)

    @property
    def covered(self) -> int:
        """Number of integers in the set."""
        return self._covered

    def add(self, start: int, end: int) -> tuple[Span, ...]:
        """Add ``start <= index < end``; return the parts of it that were not in the set yet."""
        if start >= end:
            return ()
        if self._ends and start == self._ends[-1]:  # the usual case: the next frame of a stream
            self._ends[-1] = end
            self._covered += end - start
            return ((start, end),)
        fresh = self.gaps(start, end)
        low, high = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if low < high:
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high] = [start]
        self._ends[low:high] = [end]
        self._covered += sum(stop - begin for begin, stop in fresh)
        return fresh

    def fill_first_gap(self) -> None:
        """Add all integers between the first interval and the second, if there are two."""
        if len(self._starts) > 1:
            self.add(self._ends[0], self._starts[1])

    def gaps(self, start: int, end: int) -> tuple[Span, ...]:
        """Return the parts of ``start <= index < end`` that are not in the set, in order."""
        found: list[Span] = []
        for at in range(bisect_right(self._ends, start), len(self._starts)):
            if self._starts[at] >= end:
                break
            if self._starts[at] > start:
                found.append((start, self._starts[at]))
            start = self._ends[at]
        if start < end:
            found.append((start, end))
        return tuple(found)
