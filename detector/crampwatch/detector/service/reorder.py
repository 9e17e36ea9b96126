"""Puts sample blocks back in order after a restart (no I/O).

A broker may send what was in hand when the detector died only after newer messages: NATS waits for the acknowledgement
it will never get. The detector cannot go back, so blocks that come too early wait for a few seconds.
"""

import heapq
from itertools import count
from typing import Generic, TypeVar

__all__ = ["EarlyBlocks"]

Item = TypeVar("Item")


class EarlyBlocks(Generic[Item]):
    """Blocks of one stream, with whatever belongs to each, that wait for those before them.

    >>> early = EarlyBlocks[str]()
    >>> early.add(200, "second")
    >>> early.pop_next(100, is_patient=True)
    >>> early.add(100, "first")
    >>> early.pop_next(100, is_patient=True), early.pop_next(200, is_patient=True)
    ('first', 'second')
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Item]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, first_index: int, item: Item) -> None:
        """Add a block by its first sample index."""
        heapq.heappush(self._waiting, (first_index, next(self._order), item))

    def pop_next(self, next_index: int, *, is_patient: bool) -> Item | None:
        """Return the earliest block, or None where there is none or a patient caller had better wait for one before."""
        if not self._waiting or (is_patient and self._waiting[0][0] > next_index):
            return None
        return heapq.heappop(self._waiting)[2]

    def drain(self) -> list[Item]:
        """Return all that wait, the earliest first."""
        waiting, self._waiting = sorted(self._waiting), []
        return [item for _, _, item in waiting]
