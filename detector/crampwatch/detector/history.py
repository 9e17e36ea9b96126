"""The last half minute of measures, in front of those of the present chunk."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from crampwatch.detector.grid import BINS_PER_HOP
from crampwatch.detector.measures import Measures
from numpy.typing import NDArray

__all__ = ["REMEMBERED_HOPS", "History"]

REMEMBERED_HOPS = 200
"""Hops kept: 20 s, enough for an onset, four cycles of the slowest rhythm, and an offset."""

_PER_BIN = ("bin_power", "bin_peak")


@dataclass(slots=True)
class History:
    """Measures of the hops from `first_hop` on, with what was decided about them.

    Attributes:
        first_hop: Number of the first hop held.
        measures: What was measured.
        floor: Resting power each hop was judged against, uV2; (hops, channels).
        usable: Whether a hop may be judged; (hops, channels).
    """

    first_hop: int
    measures: Measures
    floor: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @classmethod
    def empty(cls, channels: int) -> "History":
        """Return a history without hops."""
        nothing = np.empty((0, channels))
        measures = Measures(**{item.name: nothing for item in fields(Measures)})
        return cls(0, measures, nothing, np.empty((0, channels), bool))

    @property
    def hops(self) -> int:
        """Hops held."""
        return len(self.floor)

    def extend(self, first_hop: int, new: Measures, usable: NDArray[np.bool_]) -> int:
        """Forget what is older than remembered, append a chunk; return the place of its first hop."""
        keep = min(self.hops, REMEMBERED_HOPS)
        if first_hop != self.first_hop + self.hops:
            keep = 0
        joined = {}
        for item in fields(Measures):
            count = keep * BINS_PER_HOP if item.name in _PER_BIN else keep
            old = getattr(self.measures, item.name)
            joined[item.name] = np.concatenate([old[len(old) - count :], getattr(new, item.name)])
        old_floor, old_usable = self.floor[self.hops - keep :], self.usable[self.hops - keep :]
        self.measures = Measures(**joined)
        self.floor = np.concatenate([old_floor, np.full(new.power.shape, np.nan)])
        self.usable = np.concatenate([old_usable, usable])
        self.first_hop = first_hop - keep
        return keep

    def trim(self) -> None:
        """Forget what is older than remembered."""
        kept = self.window(self.first_hop + self.hops - 1)
        self.first_hop = kept.first_hop
        self.measures = Measures(**{item.name: getattr(kept.measures, item.name).copy() for item in fields(Measures)})
        self.floor, self.usable = kept.floor.copy(), kept.usable.copy()

    def window(self, hop: int) -> "History":
        """Return a view of what is remembered at the end of a hop, however much more the present chunk holds."""
        last = hop - self.first_hop + 1
        first = max(0, last - REMEMBERED_HOPS)
        rows, bins = slice(first, last), slice(first * BINS_PER_HOP, last * BINS_PER_HOP)
        cut = {
            item.name: getattr(self.measures, item.name)[bins if item.name in _PER_BIN else rows]
            for item in fields(Measures)
        }
        return History(self.first_hop + first, Measures(**cut), self.floor[rows], self.usable[rows])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, to be written down."""
        named: dict[str, NDArray[Any]] = {item.name: getattr(self.measures, item.name) for item in fields(Measures)}
        return {**named, "floor": self.floor, "usable": self.usable}

    @classmethod
    def from_arrays(cls, first_hop: int, arrays: dict[str, NDArray[Any]]) -> "History":
        """Return the history that `arrays` was taken from."""
        measures = Measures(**{item.name: arrays[item.name] for item in fields(Measures)})
        return cls(first_hop, measures, arrays["floor"], arrays["usable"])
