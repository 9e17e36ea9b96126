"""Puts sample blocks back in order after a restart. Pure.

A broker may send the messages that were unacknowledged when the detector died after newer ones: NATS first waits for
acknowledgements that will never come. The detector cannot go back in time, so blocks that arrive too early wait.
"""

import heapq
from itertools import count
from typing import Generic, TypeVar

__all__ = ["EarlyBlocks"]

Item = TypeVar("Item")


class EarlyBlocks(Generic[Item]):
    """Queue of blocks of one stream, ordered by sample index; an item belongs to each.

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
        """Remove and return the earliest item; None if there is none, or one before it is missing and `is_patient`."""
        if not self._waiting or (is_patient and self._waiting[0][0] > next_index):
            return None
        return heapq.heappop(self._waiting)[2]

    def drain(self) -> list[Item]:
        """Remove and return all items, the earliest first."""
        waiting, self._waiting = sorted(self._waiting), []
        return [item for _, _, item in waiting]
