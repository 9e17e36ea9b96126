"""What happens when: numbered performances of generators, in a finite or an endless order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.chance import chance
from crampwatch.firmware_sim.physiology.generator import Generator

__all__ = ["Plan", "Planner", "Repeating", "Schedule", "Scheduled", "Timetable"]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One performance.

    Attributes:
        key: Seeds the performance; no two of a schedule are equal.
        onset_s: When it starts.
        generator: What is performed.
    """

    key: tuple[int, ...]
    onset_s: float
    generator: Generator

    @property
    def start_s(self) -> float:
        """Before this nothing of it shows."""
        return self.onset_s - self.generator.lead_s

    @property
    def stop_s(self) -> float:
        """After this nothing of it shows."""
        return self.onset_s + self.generator.extent_s


class Schedule(Protocol):
    """Performances that can be asked for by time."""

    def between(self, start_s: float, stop_s: float) -> Sequence[Scheduled]:
        """Return the performances that may show between two times, always in the same order."""


class Plan:
    """Collects performances and keeps those apart that must not overlap.

    Args:
        length_s: Time to fill.
        channels: Electrode pairs, and muscles with a pair.
    """

    def __init__(self, length_s: float, channels: int) -> None:
        self.length_s, self.channels = length_s, channels
        self.entries: list[tuple[float, Generator]] = []
        self._taken: list[tuple[float, float]] = []

    def add(self, onset_s: float, generator: Generator, *, alone: bool = True) -> None:
        """Perform a generator at a time; `alone` keeps later `place` calls away from it."""
        self.entries.append((onset_s, generator))
        if alone:
            self._taken.append((onset_s - generator.lead_s, onset_s + generator.extent_s))

    def is_free(self, start_s: float, stop_s: float) -> bool:
        """Tell whether nothing that must be alone shows between two times."""
        return all(stop_s <= taken[0] or start_s >= taken[1] for taken in self._taken)

    def place(
        self,
        rng: np.random.Generator,
        generator: Generator,
        *,
        window_s: tuple[float, float],
        apart_s: float = 3.0,
    ) -> float | None:
        """Perform a generator at a free random time of a window.

        Returns:
            Its onset; None where forty tries found no room, and it is left out.
        """
        first_s = window_s[0] + generator.lead_s + apart_s
        last_s = min(window_s[1], self.length_s) - generator.extent_s - apart_s
        for _ in range(40 if last_s > first_s else 0):
            onset_s = float(rng.uniform(first_s, last_s))
            start_s, stop_s = onset_s - generator.lead_s, onset_s + generator.extent_s
            if self.is_free(start_s - apart_s, stop_s + apart_s):
                self.add(onset_s, generator)
                return onset_s
        return None


Planner = Callable[[np.random.Generator, Plan], None]
"""Fills a plan; everything it decides comes from the generator it is given."""


class Timetable:
    """A finite schedule.

    Args:
        seed: Seeds the planner and the performances.
        length_s: Time it fills.
        channels: Electrode pairs.
        planner: Fills it.
    """

    def __init__(self, seed: int, length_s: float, channels: int, planner: Planner) -> None:
        plan = Plan(length_s, channels)
        planner(chance(seed, 3), plan)
        entries = sorted(plan.entries, key=lambda entry: entry[0])
        self._all = [Scheduled((seed, 4, index), *entry) for index, entry in enumerate(entries)]
        self._start_s = np.array([one.start_s for one in self._all])
        self._stop_s = np.array([one.stop_s for one in self._all])

    def between(self, start_s: float, stop_s: float) -> Sequence[Scheduled]:
        """Return the performances that may show between two times."""
        overlapping = np.flatnonzero((self._start_s < stop_s) & (self._stop_s > start_s))
        return [self._all[index] for index in overlapping]


class Repeating:
    """An endless schedule: one cycle after the other, each planned anew.

    Args:
        seed: Seeds the planner and the performances.
        cycle_s: Length of a cycle.
        channels: Electrode pairs.
        planner: Fills each cycle; what it performs must end within it.
    """

    def __init__(self, seed: int, cycle_s: float, channels: int, planner: Planner) -> None:
        self._seed, self._cycle_s, self._channels, self._planner = seed, cycle_s, channels, planner
        self._cycle = lru_cache(maxsize=8)(self._planned)

    def between(self, start_s: float, stop_s: float) -> Sequence[Scheduled]:
        """Return the performances that may show between two times."""
        first, last = int(max(start_s, 0.0) // self._cycle_s), int(max(stop_s, 0.0) // self._cycle_s)
        cycles = [one for number in range(first, last + 1) for one in self._cycle(number)]
        return [one for one in cycles if one.start_s < stop_s and one.stop_s > start_s]

    def _planned(self, number: int) -> tuple[Scheduled, ...]:
        plan = Plan(self._cycle_s, self._channels)
        self._planner(chance(self._seed, 5, number), plan)
        entries = sorted(plan.entries, key=lambda entry: entry[0])
        return tuple(
            Scheduled((self._seed, 6, number, index), number * self._cycle_s + onset_s, generator)
            for index, (onset_s, generator) in enumerate(entries)
        )
