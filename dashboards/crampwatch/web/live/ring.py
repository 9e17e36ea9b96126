"""A ring buffer of equal steps on the UTC grid: the last minutes of a set of channels, and which steps changed.

The page draws curves on a fixed grid of time: step ``k`` covers ``[k * step_ns, (k + 1) * step_ns)`` of UTC. Server
and page number steps alike, so an update needs only the number of its first step, and data that arrives late
(backfill) simply fills the steps it belongs to.

Step ``k`` is stored in slot ``k % capacity``. The ring holds the steps ``end - capacity <= k < end``; writing beyond
``end`` moves it forward and sets the steps in between to NaN, which the page draws as a gap. Invariants:

- A step outside the ring is never written: what is older than the ring is dropped.
- A step without data is NaN, never zero.
- ``_changed`` marks the slots written since the last drain. ``_touched`` is a range that contains all of them, so that
  draining twenty times a second looks at a few steps rather than at the whole ring.
- Applying every drained change to an empty ring of the same size reproduces the ring (tested with random writes).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ring", "Segment"]

Floats = NDArray[np.float32]
Segment = tuple[int, Floats]
"""Number of the first step, and values of shape (steps, channels, fields); NaN where there is no data."""

_MISSING: Final = np.float32(np.nan)


class Ring:
    """The newest ``capacity`` steps.

    Args:
        step_ns: Length of a step.
        capacity: Number of steps held.
        channels: Number of channels.
        fields: Values per channel and step, such as lowest and highest.
    """

    def __init__(self, *, step_ns: int, capacity: int, channels: int, fields: int) -> None:
        self.step_ns = step_ns
        self.capacity = capacity
        self.end: int | None = None
        """Number of the step after the newest one; None before the first write."""
        self._values: Floats = np.full((capacity, channels, fields), _MISSING, np.float32)
        self._changed = np.zeros(capacity, np.bool_)
        self._touched: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"Ring(step_ns={self.step_ns}, capacity={self.capacity}, end={self.end})"

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self._values.shape[1])

    def has_dropped(self, step: int) -> bool:
        """Whether a step is older than the oldest step held."""
        return self.end is not None and step < self.end - self.capacity

    def clear(self) -> None:
        """Discard everything, so that the next write may be at any time."""
        self.end = None
        self._values[:] = _MISSING
        self._changed[:] = False
        self._touched = None

    def write(self, first: int, values: Floats) -> None:
        """Replace steps ``first`` onwards by values of shape (steps, channels, fields)."""
        slots, skipped = self._make_room(first, len(values))
        self._values[slots] = values[skipped:]

    def widen(self, first: int, lowest: Floats, highest: Floats) -> None:
        """Widen the extremes (fields 0 and 1) of steps ``first`` onwards; both arrays have shape (steps, channels)."""
        slots, skipped = self._make_room(first, len(lowest))
        self._values[slots, :, 0] = np.fmin(self._values[slots, :, 0], lowest[skipped:])
        self._values[slots, :, 1] = np.fmax(self._values[slots, :, 1], highest[skipped:])

    def all_segments(self) -> list[Segment]:
        """Return everything held, as one segment from the first step that has data; empty if there is none."""
        if self.end is None:
            return []
        first = self.end - self.capacity
        values = self._values[np.arange(first, self.end) % self.capacity]
        known = np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))
        if not len(known):
            return []
        return [(first + int(known[0]), values[known[0] :])]

    def drain_changes(self) -> list[Segment]:
        """Return the segments that changed since the last drain, oldest first."""
        if self.end is None or self._touched is None:
            return []
        steps = np.arange(max(self._touched[0], self.end - self.capacity), self._touched[1])
        is_changed = self._changed[steps % self.capacity]
        self.discard_changes()
        if is_changed.all():
            return [(int(steps[0]), self._values[steps % self.capacity])]
        changed = steps[is_changed]
        runs = np.split(changed, np.flatnonzero(np.diff(changed) > 1) + 1)
        return [(int(run[0]), self._values[run % self.capacity]) for run in runs if len(run)]

    def discard_changes(self) -> None:
        """Mark every step as unchanged."""
        if self._touched is not None:
            self._changed[np.arange(*self._touched) % self.capacity] = False
            self._touched = None

    def _mark_changed(self, first: int, end: int) -> None:
        """Mark steps ``first <= k < end`` as changed."""
        self._changed[np.arange(first, end) % self.capacity] = True
        low, high = self._touched or (first, end)
        newest = max(high, end)
        self._touched = (max(min(low, first), newest - self.capacity), newest)

    def _make_room(self, first: int, count: int) -> tuple[NDArray[np.int64], int]:
        """Advance to the end of a segment; return the slots for it, and how many of its first steps are too old."""
        self._advance_to(first + count)
        assert self.end is not None
        skipped = min(max(self.end - self.capacity - first, 0), count)
        if skipped < count:
            self._mark_changed(first + skipped, first + count)
        return np.arange(first + skipped, first + count, dtype=np.int64) % self.capacity, skipped

    def _advance_to(self, end: int) -> None:
        """Make the ring end at ``end`` at least; steps skipped over are set to NaN, which is a change too."""
        if self.end is None:
            self.end = end
            return
        if end <= self.end:
            return
        fresh = max(self.end, end - self.capacity)
        self._values[np.arange(fresh, end) % self.capacity] = _MISSING
        self._mark_changed(fresh, end)
        self.end = end
