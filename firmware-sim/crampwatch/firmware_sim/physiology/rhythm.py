"""Rhythmic activity: fast and alternating leg movements, foot tremor, tremor, clonus, trains of single units."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Span
from crampwatch.firmware_sim.physiology.discharge import discharge_trains, sorted_discharges
from crampwatch.firmware_sim.physiology.movement import contract_together, effort_shares
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise
from crampwatch.firmware_sim.physiology.twitch import prominent_units
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Rhythm", "UnitTrain"]

_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Bursts that follow one another at a steady rate.

    High-frequency leg movements and hypnagogic foot tremor: 0.3 to 4 Hz, 1.6 +- 0.6 Hz, for 17.6 +- 35.4 s, as long
    as a cramp (Yang & Winkelman 2010). Tremor: 4 to 12 Hz; clonus: 5 to 8 Hz. Alternating leg muscle activation: bursts
    of 100 to 500 ms at 0.5 to 3 Hz, at least four, that change from muscle to muscle (AASM; Berry 2018).

    Attributes:
        label: `hflm`, `foot_tremor`, `tremor`, `clonus` or `alma`.
        muscle: Index of the leading muscle.
        duration_s: Seconds.
        beat_hz: Bursts per second.
        duty: Duration of a burst relative to the interval between bursts.
        effort: Excitation within a burst, 0 to 1.
        irregularity: Coefficient of variation of the intervals between bursts.
        synergy: Range of the effort of the other muscles relative to the leading one.
        alternates_with: Index of a muscle that bursts halfway between, without the others; None if all burst together.
        lead_s: Not visible before its onset.
    """

    label: str
    muscle: int
    duration_s: float
    beat_hz: float = 1.6
    duty: float = 0.4
    effort: float = 0.3
    irregularity: float = 0.08
    synergy: tuple[float, float] = (0.05, 0.9)
    alternates_with: int | None = None
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last potentials."""
        return self.duration_s + 0.5

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the bursts, which count as one event."""
        t_s = np.arange(0.0, self.duration_s, _STEP_S)
        drive = self._draw_drive(t_s, rng)
        share = effort_shares(rng, wearer, self.muscle, self.synergy)
        if self.alternates_with is not None:
            share[self.alternates_with] = 0.0
        discharges = contract_together(rng, wearer, onset_s + t_s, drive, share)
        if self.alternates_with is not None:
            other = np.interp(t_s - 0.5 / self.beat_hz, t_s, drive, left=0.0)
            discharges += contract_together(
                rng, wearer, onset_s + t_s, other, np.eye(len(wearer.muscles))[self.alternates_with]
            )
        span = Span(EpisodeKind.RHYTHMIC, self.label, onset_s - 0.05, onset_s + self.duration_s + 0.1)
        return Activity(discharges, spans=(span,))

    def _draw_drive(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        count = int(self.duration_s * self.beat_hz * 1.5) + 4
        # No interval shorter than 40 % of the mean: bursts of one muscle do not merge.
        beats_s = np.cumsum(np.maximum(rng.normal(1.0, self.irregularity, count), 0.4)) / self.beat_hz
        beats_s -= beats_s[0] - 0.5 * self.duty / self.beat_hz
        heights = rng.lognormal(0.0, 0.25, count)
        nearest = np.clip(np.searchsorted(beats_s, t_s - 0.5 / self.beat_hz), 0, count - 1)
        from_middle = (t_s - beats_s[nearest]) * self.beat_hz / self.duty
        bursts = np.where(np.abs(from_middle) < 0.5, np.cos(np.pi * np.clip(from_middle, -0.5, 0.5)) ** 2, 0.0)
        swell = np.exp(0.2 * Noise(int(rng.integers(2**31)), 1).smooth(t_s / 4.0))
        return np.asarray(self.effort * heights[nearest] * bursts * swell)


@dataclass(frozen=True, slots=True)
class UnitTrain:
    """One or a few motor units that discharge regularly for minutes: a foot that is not quite relaxed.

    Real recordings show such trains at 7 to 16 Hz and 14 to 27 uV; at rest in bed some discharge at 6 Hz with
    3.5 % variation for minutes (Posa 2020).

    Attributes:
        muscle: Index of the muscle.
        duration_s: Seconds.
        rate_hz: Discharges per second.
        interval_cv: Coefficient of variation of the intervals.
        units: Number of such units, each at about that rate.
        lead_s: Not visible before its onset.
    """

    muscle: int
    duration_s: float
    rate_hz: float = 9.0
    interval_cv: float = 0.08
    units: int = 1
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last potential."""
        return self.duration_s + 0.5

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the train."""
        t_s = np.arange(0.0, self.duration_s, 0.1)
        pool = prominent_units(wearer, self.muscle, 10.0)
        tallest = wearer.muscles[self.muscle].peak_uv.max(axis=1)[pool]
        # Small units are recruited first, and without others.
        chosen = pool[np.argsort(tallest)][rng.permutation(max(8, pool.size // 3))[: self.units]]
        drift = np.stack([Noise(int(rng.integers(2**31)), 1).smooth(t_s / 3.0) for _ in chosen])
        rates_hz = self.rate_hz * rng.normal(1.0, 0.08, (chosen.size, 1)) * (1 + 0.07 * drift)
        times, row = discharge_trains(rng, t_s, rates_hz, interval_cv=self.interval_cv)
        stretch, gain = wearer.stretch_at(onset_s), wearer.gain_at(onset_s)
        span = Span(EpisodeKind.RHYTHMIC, "single_unit_train", onset_s - 0.05, onset_s + self.duration_s + 0.2)
        discharges = sorted_discharges(self.muscle, onset_s + times, chosen[row], stretch=stretch, gain=gain)
        return Activity((discharges,), spans=(span,))
