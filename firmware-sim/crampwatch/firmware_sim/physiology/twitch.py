"""Brief involuntary discharges: fasciculations, phasic bursts, jerks, myokymia."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Span
from crampwatch.firmware_sim.physiology.discharge import sorted_discharges, volley
from crampwatch.firmware_sim.physiology.randomness import Floats
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["Bursts", "Fasciculations", "Myokymia", "burst", "random_times"]


@dataclass(frozen=True, slots=True)
class Fasciculations:
    """Discharges of single motor units, irregular in time and stereotyped in shape.

    A series comes from a few units; one in ten discharges is doubled. Rates range from a few per minute in healthy
    people to a median of 40 per minute in motor neurone disease (Bashford 2019).

    Attributes:
        muscle: Index of the muscle.
        duration_s: Seconds.
        per_minute: Mean rate.
        units: Number of motor units involved.
        least_uv: Smallest peak on the strongest channel of a unit that is chosen, if the muscle has such units.
    """

    muscle: int
    duration_s: float
    per_minute: float
    units: int = 3
    least_uv: float = 12.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last potential."""
        return self.duration_s + 0.2

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the series."""
        pool = prominent_units(wearer, self.muscle, self.least_uv)
        units = rng.choice(pool, min(self.units, pool.size), replace=False)
        times = onset_s + random_times(rng, self.duration_s, self.per_minute / 60.0, apart_s=0.25)
        chosen = rng.choice(units, times.size)
        # Doublets are typical of fasciculations: 5 to 30 ms after the first discharge.
        doubled = rng.uniform(size=times.size) < 0.1
        second = times[doubled] + rng.uniform(0.005, 0.03, int(doubled.sum()))
        discharges = sorted_discharges(
            self.muscle,
            np.concatenate([times, second]),
            np.concatenate([chosen, chosen[doubled]]),
            stretch=wearer.stretch_at(onset_s),
            gain=wearer.gain_at(onset_s),
        )
        spans = tuple(Span(EpisodeKind.TWITCH, "fasciculation", at - 0.005, at + 0.1) for at in times)
        return Activity(discharges=(discharges,), spans=spans)


@dataclass(frozen=True, slots=True)
class Bursts:
    """Brief bursts of several units: phasic REM twitches, fragmentary myoclonus, hypnic jerks.

    Attributes:
        label: As in the ground truth.
        muscles: Indices of the muscles that may take part; each burst takes one, or all with `all_muscles`.
        duration_s: Seconds; 0 for a single burst.
        per_minute: Mean rate.
        burst_s: Shortest and longest burst: 50 to 200 ms in REM, 75 to 150 ms in myoclonus, 20 to 250 ms in a jerk.
        share: Range of the share of the units that take part.
        all_muscles: Whether all muscles twitch at once.
        lead_s: Not visible before its onset.
    """

    label: str
    muscles: tuple[int, ...]
    duration_s: float = 0.0
    per_minute: float = 6.0
    burst_s: tuple[float, float] = (0.05, 0.2)
    share: tuple[float, float] = (0.05, 0.4)
    all_muscles: bool = False
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last burst."""
        return self.duration_s + 2 * self.burst_s[1] + 0.2

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the series."""
        times = random_times(rng, self.duration_s, self.per_minute / 60.0, apart_s=0.3 + 2 * self.burst_s[1])
        discharges: list[Discharges] = []
        spans: list[Span] = []
        for at_s in onset_s + (times if self.duration_s > 0 else np.zeros(1)):
            length_s = float(rng.uniform(*self.burst_s))
            muscles = self.muscles if self.all_muscles else (int(rng.choice(self.muscles)),)
            discharges += [
                burst(rng, wearer, muscle, onset_s=at_s, length_s=length_s, share=self.share) for muscle in muscles
            ]
            spans.append(Span(EpisodeKind.TWITCH, self.label, at_s - 0.02, at_s + length_s + 0.1))
        return Activity(discharges=tuple(discharges), spans=tuple(spans))


@dataclass(frozen=True, slots=True)
class Myokymia:
    """One unit that discharges in groups: at 5 to 60 Hz within a group, with a group every 0.5 to 5 s.

    Attributes:
        muscle: Index of the muscle.
        duration_s: Seconds.
        every_s: Mean time from group to group.
        discharges: Number of discharges in a group.
        within_hz: Rate within a group.
        lead_s: Not visible before its onset.
    """

    muscle: int
    duration_s: float
    every_s: float = 1.5
    discharges: int = 5
    within_hz: float = 30.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last group."""
        return self.duration_s + 2 * self.discharges / self.within_hz + 0.2

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the series."""
        unit = int(rng.choice(prominent_units(wearer, self.muscle, 12.0)))
        group_s = self.discharges / self.within_hz
        starts = np.cumsum(np.maximum(rng.normal(self.every_s, 0.15 * self.every_s, 4000), group_s + 0.2))
        starts = onset_s + starts[starts < self.duration_s]
        within = np.cumsum(rng.normal(1.0, 0.12, (starts.size, self.discharges)), axis=1) / self.within_hz
        times = np.sort((starts[:, None] + within).ravel())
        discharges = sorted_discharges(
            self.muscle,
            times,
            np.full(times.size, unit),
            stretch=wearer.stretch_at(onset_s),
            gain=wearer.gain_at(onset_s),
        )
        spans = tuple(
            Span(EpisodeKind.TWITCH, "myokymia", group[0] - 0.005, group[-1] + 0.1)
            for group in starts[:, None] + within
        )
        return Activity(discharges=(discharges,), spans=spans)


def burst(
    rng: np.random.Generator,
    wearer: Wearer,
    muscle: int,
    *,
    onset_s: float,
    length_s: float,
    share: tuple[float, float],
) -> Discharges:
    """Generate one brief burst of a random share of the units of a muscle."""
    pool = wearer.muscles[muscle]
    count = max(2, int(pool.units * rng.uniform(*share)))
    units = np.sort(rng.permutation(pool.units)[:count])
    return volley(
        rng,
        muscle,
        units,
        middle_s=onset_s + length_s / 2,
        spread_s=length_s / 4,
        discharges=1.0 + length_s * 12.0,
        stretch=wearer.stretch_at(onset_s),
        gain=wearer.gain_at(onset_s),
    )


def prominent_units(wearer: Wearer, muscle: int, least_uv: float) -> NDArray[np.int64]:
    """Return the units whose peak on some channel is at least `least_uv`; the eight largest if fewer than eight are."""
    peak_uv = wearer.muscles[muscle].peak_uv.max(axis=1)
    tall = np.flatnonzero(peak_uv >= least_uv)
    return tall if tall.size >= 8 else np.argsort(peak_uv)[-8:]


def random_times(rng: np.random.Generator, duration_s: float, rate_hz: float, *, apart_s: float) -> Floats:
    """Return random times from 0 to `duration_s`, at least `apart_s` apart, with exponential intervals beyond that."""
    # The minimum distance is part of the mean interval, so the rate stays as requested.
    mean_s = max(1.0 / rate_hz - apart_s, 0.05)
    draws = int(2 * duration_s * rate_hz) + 20
    times = np.cumsum(apart_s + rng.exponential(mean_s, draws)) - apart_s
    return np.asarray(times[times < duration_s])
