"""The last half minute of measures, in front of those of the present chunk."""

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from crampwatch.detector.signal.grid import BINS_PER_HOP
from crampwatch.detector.signal.measures import Measures
from numpy.typing import NDArray

__all__ = ["REMEMBERED_HOPS", "History"]

REMEMBERED_HOPS = 200
"""Hops kept: 20 s, enough for an onset, four cycles of the slowest rhythm, and an offset."""

_ROOM_HOPS = 100
"""Spare room, so that what is remembered moves to the front only every so often."""

_PER_BIN = ("bin_power", "bin_peak")
_NAMES = tuple(item.name for item in fields(Measures))
_ROWS = {name: BINS_PER_HOP if name in _PER_BIN else 1 for name in _NAMES}


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
    _room: "_Room | None" = field(default=None, repr=False)

    @classmethod
    def empty(cls, channels: int) -> "History":
        """Return a history without hops."""
        nothing = np.empty((0, channels))
        measures = Measures(**dict.fromkeys(_NAMES, nothing))
        return cls(0, measures, nothing, np.empty((0, channels), bool))

    @property
    def hops(self) -> int:
        """Hops held."""
        return len(self.floor)

    def extend(self, first_hop: int, new: Measures, usable: NDArray[np.bool_]) -> int:
        """Forget what is older than remembered, append a chunk; return the place of its first hop."""
        keep = min(self.hops, REMEMBERED_HOPS) if first_hop == self.first_hop + self.hops else 0
        if self._room is None or self._room.stop + len(usable) > self._room.capacity:
            self._room = self._moved(keep, len(usable))
        self._room.append(new, usable)
        self._look_at(first_hop - keep, keep + len(usable))
        return keep

    def trim(self) -> None:
        """Forget what is older than remembered."""
        keep = min(self.hops, REMEMBERED_HOPS)
        self._look_at(self.first_hop + self.hops - keep, keep)

    def window(self, hop: int) -> "History":
        """Return a view of what is remembered at the end of a hop, however much more the present chunk holds."""
        last = hop - self.first_hop + 1
        first = max(0, last - REMEMBERED_HOPS)
        return History(
            self.first_hop + first,
            Measures(
                **{name: getattr(self.measures, name)[first * rows : last * rows] for name, rows in _ROWS.items()}
            ),
            self.floor[first:last],
            self.usable[first:last],
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, to be written down."""
        named: dict[str, NDArray[Any]] = {name: getattr(self.measures, name) for name in _NAMES}
        return {**named, "floor": self.floor, "usable": self.usable}

    @classmethod
    def from_arrays(cls, first_hop: int, arrays: dict[str, NDArray[Any]]) -> "History":
        """Return the history that `arrays` was taken from."""
        measures = Measures(**{name: arrays[name] for name in _NAMES})
        return cls(first_hop, measures, arrays["floor"], arrays["usable"])

    def _moved(self, keep: int, count: int) -> "_Room":
        """Return a room with the latest hops at its front, and space for a chunk and some more."""
        room = _Room.of(keep + count + _ROOM_HOPS, self.floor.shape[1])
        kept = self.hops - keep
        latest = {name: getattr(self.measures, name)[kept * rows :] for name, rows in _ROWS.items()}
        room.append(Measures(**latest), self.usable[kept:], floor=self.floor[kept:])
        return room

    def _look_at(self, first_hop: int, hops: int) -> None:
        assert self._room is not None
        last = self._room.stop
        first = last - hops
        self.first_hop = first_hop
        arrays = self._room.arrays
        self.measures = Measures(**{name: arrays[name][first * rows : last * rows] for name, rows in _ROWS.items()})
        self.floor, self.usable = self._room.floor[first:last], self._room.usable[first:last]


@dataclass(slots=True)
class _Room:
    """Arrays with spare rows; what is appended is copied once.

    Attributes:
        capacity: Hops there is room for.
        stop: Hops filled.
        arrays: One a measure.
        floor: As in `History`.
        usable: As in `History`.
    """

    capacity: int
    stop: int
    arrays: dict[str, NDArray[np.float64]]
    floor: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @classmethod
    def of(cls, capacity: int, channels: int) -> "_Room":
        arrays = {name: np.empty((capacity * rows, channels)) for name, rows in _ROWS.items()}
        return cls(capacity, 0, arrays, np.empty((capacity, channels)), np.empty((capacity, channels), bool))

    def append(
        self, new: Measures, usable: NDArray[np.bool_], *, floor: NDArray[np.float64] | float = math.nan
    ) -> None:
        stop = self.stop + len(usable)
        for name, rows in _ROWS.items():
            self.arrays[name][self.stop * rows : stop * rows] = getattr(new, name)
        self.floor[self.stop : stop] = floor
        self.usable[self.stop : stop] = usable
        self.stop = stop
