"""What happens when: events with times, in a finite or an endless schedule.

A planner fills a `Plan`, using random numbers of its own. Each scheduled event then gets a key from its number, and is
generated with a random generator of that key. So an event can be generated at any time, on its own, and is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.event import Event
from crampwatch.firmware_sim.physiology.randomness import rng_for

__all__ = ["FiniteSchedule", "Plan", "Planner", "RepeatingSchedule", "Schedule", "ScheduledEvent"]


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """An event with a time.

    Attributes:
        key: Seed for generating it; unique in a schedule.
        onset_s: Seconds from the first sample.
        event: What happens.
    """

    key: tuple[int, ...]
    onset_s: float
    event: Event

    @property
    def start_s(self) -> float:
        """Before this it is not visible."""
        return self.onset_s - self.event.lead_s

    @property
    def stop_s(self) -> float:
        """After this it is no longer visible."""
        return self.onset_s + self.event.extent_s


class Schedule(Protocol):
    """Events that can be looked up by time."""

    def between(self, start_s: float, stop_s: float) -> Sequence[ScheduledEvent]:
        """Return the events that may be visible between two times, always in the same order."""


class Plan:
    """Collects events, and keeps those apart that must not overlap.

    Args:
        length_s: Time to fill.
        channels: Number of electrode pairs, and of muscles with a pair.
    """

    def __init__(self, length_s: float, channels: int) -> None:
        self.length_s, self.channels = length_s, channels
        self.entries: list[tuple[float, Event]] = []
        self._occupied: list[tuple[float, float]] = []

    def add(self, onset_s: float, event: Event, *, is_exclusive: bool = True) -> None:
        """Add an event at a time, even if it overlaps others; `is_exclusive` keeps later `place` calls away from it."""
        self.entries.append((onset_s, event))
        if is_exclusive:
            self._occupied.append((onset_s - event.lead_s, onset_s + event.extent_s))

    def is_free(self, start_s: float, stop_s: float) -> bool:
        """Return whether no exclusive event is visible between two times."""
        return all(stop_s <= taken[0] or start_s >= taken[1] for taken in self._occupied)

    def place(
        self,
        rng: np.random.Generator,
        event: Event,
        *,
        window_s: tuple[float, float],
        apart_s: float = 3.0,
    ) -> float | None:
        """Add an event at a random free time in a window.

        Returns:
            Its onset; None if forty attempts found no room, in which case it is left out.
        """
        first_s = window_s[0] + event.lead_s + apart_s
        last_s = min(window_s[1], self.length_s) - event.extent_s - apart_s
        for _ in range(40 if last_s > first_s else 0):
            onset_s = float(rng.uniform(first_s, last_s))
            start_s, stop_s = onset_s - event.lead_s, onset_s + event.extent_s
            if self.is_free(start_s - apart_s, stop_s + apart_s):
                self.add(onset_s, event)
                return onset_s
        return None


Planner = Callable[[np.random.Generator, Plan], None]
"""Fills a plan; everything random comes from the generator it is given."""


class FiniteSchedule:
    """A schedule that is planned as a whole.

    Args:
        seed: Of planner and events.
        length_s: Time to fill.
        channels: Number of electrode pairs.
        planner: Called once.
    """

    def __init__(self, seed: int, length_s: float, channels: int, planner: Planner) -> None:
        plan = Plan(length_s, channels)
        planner(rng_for(seed, 3), plan)
        entries = sorted(plan.entries, key=lambda entry: entry[0])
        self._all = [ScheduledEvent((seed, 4, index), *entry) for index, entry in enumerate(entries)]
        self._start_s = np.array([scheduled.start_s for scheduled in self._all])
        self._stop_s = np.array([scheduled.stop_s for scheduled in self._all])

    def between(self, start_s: float, stop_s: float) -> Sequence[ScheduledEvent]:
        """Return the events that may be visible between two times."""
        overlapping = np.flatnonzero((self._start_s < stop_s) & (self._stop_s > start_s))
        return [self._all[index] for index in overlapping]


class RepeatingSchedule:
    """An endless schedule: one cycle after the other, each planned when it is needed.

    Args:
        seed: Of planner and events.
        cycle_s: Duration of a cycle.
        channels: Number of electrode pairs.
        planner: Called for each cycle; its events must end within the cycle.
    """

    def __init__(self, seed: int, cycle_s: float, channels: int, planner: Planner) -> None:
        self._seed, self._cycle_s, self._channels, self._planner = seed, cycle_s, channels, planner
        self._cycle = lru_cache(maxsize=8)(self._plan_cycle)

    def between(self, start_s: float, stop_s: float) -> Sequence[ScheduledEvent]:
        """Return the events that may be visible between two times."""
        first, last = int(max(start_s, 0.0) // self._cycle_s), int(max(stop_s, 0.0) // self._cycle_s)
        cycles = [scheduled for number in range(first, last + 1) for scheduled in self._cycle(number)]
        return [scheduled for scheduled in cycles if scheduled.start_s < stop_s and scheduled.stop_s > start_s]

    def _plan_cycle(self, number: int) -> tuple[ScheduledEvent, ...]:
        plan = Plan(self._cycle_s, self._channels)
        self._planner(rng_for(self._seed, 5, number), plan)
        entries = sorted(plan.entries, key=lambda entry: entry[0])
        return tuple(
            ScheduledEvent((self._seed, 6, number, index), number * self._cycle_s + onset_s, event)
            for index, (onset_s, event) in enumerate(entries)
        )
