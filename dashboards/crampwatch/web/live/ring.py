"""A ring of equal steps on the UTC grid: the last minutes of a channel set, with what changed since last asked."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ring", "Stretch"]

Floats = NDArray[np.float32]
Stretch = tuple[int, Floats]
"""Number of its first step, and values of shape (steps, channels, fields); NaN where nothing is known."""

_NOTHING: Final = np.float32(np.nan)


class Ring:
    """The newest ``capacity`` steps. Step ``k`` covers ``[k * step_ns, (k + 1) * step_ns)`` of UTC.

    Data may arrive late (backfill) and fills the steps it belongs to; what is older than the ring is dropped.

    Args:
        step_ns: Length of a step.
        capacity: How many steps are kept.
        channels: Channels a step has values for.
        fields: Values a channel has in a step.
    """

    def __init__(self, *, step_ns: int, capacity: int, channels: int, fields: int) -> None:
        self.step_ns = step_ns
        self.capacity = capacity
        self.end: int | None = None
        """Number after the newest step; None before the first."""
        self._values: Floats = np.full((capacity, channels, fields), _NOTHING, np.float32)
        self._changed = np.zeros(capacity, np.bool_)
        self._touched: tuple[int, int] | None = None
        """Stretch that holds all changes: a dozen times a second it is looked through, not the whole ring."""

    def __repr__(self) -> str:
        return f"Ring(step_ns={self.step_ns}, capacity={self.capacity}, end={self.end})"

    @property
    def channels(self) -> int:
        """Channels a step has values for."""
        return int(self._values.shape[1])

    def has_dropped(self, step: int) -> bool:
        """Whether a step is older than anything kept."""
        return self.end is not None and step < self.end - self.capacity

    def clear(self) -> None:
        """Forget all_stretches."""
        self.end = None
        self._values[:] = _NOTHING
        self._changed[:] = False
        self._touched = None

    def put(self, first: int, values: Floats) -> None:
        """Replace steps ``first`` onwards by values of shape (steps, channels, fields)."""
        slots, kept = self._make_room(first, len(values))
        self._values[slots] = values[kept:]

    def widen(self, first: int, lowest: Floats, highest: Floats) -> None:
        """Widen the extremes, fields 0 and 1, of steps ``first`` onwards; both of shape (steps, channels)."""
        slots, kept = self._make_room(first, len(lowest))
        self._values[slots, :, 0] = np.fmin(self._values[slots, :, 0], lowest[kept:])
        self._values[slots, :, 1] = np.fmax(self._values[slots, :, 1], highest[kept:])

    def all_stretches(self) -> list[Stretch]:
        """Return all that is kept, as one stretch; empty before the first step."""
        if self.end is None:
            return []
        first = self.end - self.capacity
        values = self._values[np.arange(first, self.end) % self.capacity]
        known = np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))
        if not len(known):
            return []
        return [(first + int(known[0]), values[known[0] :])]

    def drain_changes(self) -> list[Stretch]:
        """Return the stretches changed since last taken, oldest first."""
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
        """Take what is so now as told."""
        if self._touched is not None:
            self._changed[np.arange(*self._touched) % self.capacity] = False
            self._touched = None

    def _touch(self, first: int, end: int) -> None:
        """Note that steps from ``first`` to before ``end`` change."""
        self._changed[np.arange(first, end) % self.capacity] = True
        low, high = self._touched or (first, end)
        newest = max(high, end)
        self._touched = (max(min(low, first), newest - self.capacity), newest)

    def _make_room(self, first: int, count: int) -> tuple[NDArray[np.int64], int]:
        """Move on to the end of a stretch; return the slots of what of it is kept, and how many steps were not."""
        self._advance(first + count)
        assert self.end is not None
        kept = min(max(self.end - self.capacity - first, 0), count)
        if kept < count:
            self._touch(first + kept, first + count)
        return np.arange(first + kept, first + count, dtype=np.int64) % self.capacity, kept

    def _advance(self, end: int) -> None:
        """Let the ring end at ``end`` or later; steps skipped are unknown, and that is a change too."""
        if self.end is None:
            self.end = end
            return
        if end <= self.end:
            return
        fresh = max(self.end, end - self.capacity)
        self._values[np.arange(fresh, end) % self.capacity] = _NOTHING
        self._touch(fresh, end)
        self.end = end
