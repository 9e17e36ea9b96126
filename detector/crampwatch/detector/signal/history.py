"""The last 20 s of measures, followed by those of the block under analysis.

Decisions look back: an onset is traced to its first discharge, a contraction is compared with what was there before
it, a rhythm needs several periods. How far they may look back must not depend on how the stream was cut into blocks,
so a look always goes through `History.window`, which ends at the present hop and holds at most `REMEMBERED_HOPS`.

Rows are appended to arrays with spare room, so that a block costs one copy of its own rows; only when the room is used
up are the remembered rows moved to the front of a new one. `measures`, `floor` and `usable` are views of that room.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from crampwatch.detector.signal.measures import Measures
from numpy.typing import NDArray

__all__ = ["REMEMBERED_HOPS", "History"]

REMEMBERED_HOPS = 200
"""Hops remembered: 20 s, enough for an onset, four periods of the slowest rhythm, and an offset."""

_SPARE_HOPS = 100
"""Spare room: with live blocks of a few hops, the remembered rows move once in about 10 s instead of at every block."""


@dataclass(slots=True)
class History:
    """Measures of the hops from `first_hop` on, and what was decided about them.

    Attributes:
        first_hop: Number of the first hop held, counted from sample index 0.
        floor: Resting power each hop was compared with, uV2; NaN where not yet decided; (hops, channels).
        usable: Whether the signal of a hop is good enough for decisions; (hops, channels).
    """

    first_hop: int
    measures: Measures
    floor: NDArray[np.float64]
    usable: NDArray[np.bool_]
    _room: "_Room | None" = field(default=None, repr=False)

    @classmethod
    def empty(cls, channels: int) -> "History":
        """Return a history without hops."""
        return cls(0, Measures.allocate(0, channels), np.empty((0, channels)), np.empty((0, channels), bool))

    @property
    def hops(self) -> int:
        """Number of hops held."""
        return len(self.floor)

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process."""
        return {"first_hop": self.first_hop, **self.measures.by_name(), "floor": self.floor, "usable": self.usable}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.measures = Measures(**{name: state[name] for name in self.measures.by_name()})
        self.first_hop, self.floor, self.usable = state["first_hop"], state["floor"], state["usable"]
        self._room = None

    def extend(self, first_hop: int, new: Measures, usable: NDArray[np.bool_]) -> int:
        """Append a block and drop what is older than remembered; return the row of the block's first hop.

        After a jump of the hop number everything before is dropped: rows must stay consecutive.
        """
        keep = min(self.hops, REMEMBERED_HOPS) if first_hop == self.first_hop + self.hops else 0
        if self._room is None or self._room.stop + len(usable) > self._room.capacity:
            self._room = self._move_to_new_room(keep, len(usable))
        self._room.append(new, usable)
        self._show_last(keep + len(usable), first_hop - keep)
        return keep

    def trim(self) -> None:
        """Drop what is older than remembered."""
        keep = min(self.hops, REMEMBERED_HOPS)
        self._show_last(keep, self.first_hop + self.hops - keep)

    def window(self, hop: int) -> "History":
        """Return a view of what is remembered at the end of a hop, however much more the present block holds."""
        last = hop - self.first_hop + 1
        first = max(0, last - REMEMBERED_HOPS)
        return History(
            self.first_hop + first, self.measures.of_hops(first, last), self.floor[first:last], self.usable[first:last]
        )

    def _move_to_new_room(self, keep: int, count: int) -> "_Room":
        """Return a room with the latest hops at its front, and space for `count` hops and some more."""
        room = _Room.allocate(keep + count + _SPARE_HOPS, self.floor.shape[1])
        first = self.hops - keep
        room.append(self.measures.of_hops(first, self.hops), self.usable[first:], floor=self.floor[first:])
        return room

    def _show_last(self, hops: int, first_hop: int) -> None:
        assert self._room is not None  # only called after `extend` made one
        rows = slice(self._room.stop - hops, self._room.stop)
        self.first_hop = first_hop
        self.measures = self._room.measures.of_hops(rows.start, rows.stop)
        self.floor, self.usable = self._room.floor[rows], self._room.usable[rows]


@dataclass(slots=True)
class _Room:
    """Arrays with spare rows; what is appended is copied once.

    Attributes:
        capacity: Hops there is room for.
        stop: Hops filled.
    """

    capacity: int
    stop: int
    measures: Measures
    floor: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @classmethod
    def allocate(cls, capacity: int, channels: int) -> "_Room":
        floor, usable = np.empty((capacity, channels)), np.empty((capacity, channels), bool)
        return cls(capacity, 0, Measures.allocate(capacity, channels), floor, usable)

    def append(
        self, new: Measures, usable: NDArray[np.bool_], *, floor: NDArray[np.float64] | float = math.nan
    ) -> None:
        stop = self.stop + len(usable)
        self.measures.of_hops(self.stop, stop).copy_from(new)
        self.floor[self.stop : stop] = floor
        self.usable[self.stop : stop] = usable
        self.stop = stop
