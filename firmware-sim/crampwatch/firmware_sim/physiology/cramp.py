"""A muscle cramp: fasciculations that herald it, sputtering onset, irregular self-sustained discharge, slow end.

The numbers are mostly from induced cramps of the abductor hallucis: units are active for 23.6 s of about 55 s, with
14.5 discharges per second (6 to 25), interval variation 44.6 %, 4.1 % doublets, common modulation at 1.4 Hz (Minetto
2009, J Neurophysiol 102:1890); peak amplitude 47.5 +- 24.8 uV over 55.6 +- 19.2 s (Minetto 2011, J Physiol 589:5759);
a slowly moving part of the muscle while neighbours are silent (Roeleveld 2000, J Appl Physiol 88:1698; Ross & Thomas
1995, Brain 118:983).
"""

from dataclasses import dataclass, replace

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Span, join
from crampwatch.firmware_sim.physiology.cramp_course import CrampCourse, Ending, Onset, unit_rates
from crampwatch.firmware_sim.physiology.discharge import discharge_trains, sorted_discharges
from crampwatch.firmware_sim.physiology.randomness import Floats, log_uniform, weighted_choice
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["Cramp", "draw_cramp"]

_ONSETS: dict[Onset, float] = {"sputter": 0.5, "ramp": 0.2, "creep": 0.2, "abrupt": 0.1}
_ENDINGS: dict[Ending, float] = {"gradual": 0.5, "self": 0.2, "stretch": 0.3}
_STEP_S = 0.02
_MEAN_RATE_HZ = 14.5
_ACTIVE_SHARE = 0.42
_RENEWAL_CV = 0.29
"""Interval variation before doublets and common modulation, which raise it to the measured 0.45."""


@dataclass(frozen=True, slots=True)
class Cramp:
    """A cramp with its parameters.

    Attributes:
        muscle: Index of the muscle.
        duration_s: From the first discharge to the last, without heralding fasciculations and after-twitches.
        plateau_uv: RMS on the strongest channel at full strength, at 33 degC.
        onset: `sputter`: one or two seconds of bursts before it is sustained; `creep`: unit by unit over many
            seconds; `ramp`: within `rise_s`; `abrupt`: within a third of a second.
        rise_s: Time to full strength after the sputtering.
        ending: `gradual`: unit by unit; `self`: over a few seconds; `stretch`: within two.
        heralds: Number of fasciculations in the 25 s before.
        after_twitches: Number of twitches in the minute after.
        spreads_to: Index of a second muscle it spreads to; None if it stays local.
        slowing: Duration of the potentials at the end relative to that at the start.
        flutter_per_min: How often per minute it weakens for a moment.
    """

    muscle: int
    duration_s: float
    plateau_uv: float
    onset: Onset = "sputter"
    rise_s: float = 2.0
    ending: Ending = "gradual"
    heralds: int = 4
    after_twitches: int = 4
    spreads_to: int | None = None
    slowing: float = 1.2
    flutter_per_min: float = 0.0

    @property
    def lead_s(self) -> float:
        """Room for the heralding fasciculations."""
        return 26.0 if self.heralds else 0.0

    @property
    def extent_s(self) -> float:
        """Until the last after-twitch has ended."""
        return self.duration_s + (61.0 if self.after_twitches else 1.0)

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the heralding fasciculations, the cramp and the after-twitches."""
        cramp = self.generate_cramp_only(onset_s, wearer, rng)
        spread: tuple[Discharges, ...] = ()
        if self.spreads_to is not None:
            spread = (
                self._spread_cramp(self.spreads_to).generate_cramp_only(onset_s + 0.3 * self.duration_s, wearer, rng),
            )
        # Fasciculations stop a second before the cramp, so that its own onset is distinct.
        heralds = onset_s - np.sort(rng.uniform(1.0, 25.0, self.heralds))[::-1]
        end_s = onset_s + self.duration_s
        after = end_s + 0.8 + np.cumsum(rng.exponential(6.0, self.after_twitches) + 0.4)
        return join(
            self._single_discharges("fasciculation", heralds, cramp, wearer, rng),
            Activity((cramp, *spread), spans=(Span(EpisodeKind.CRAMP, "cramp", onset_s - 0.05, end_s + 0.1),)),
            self._single_discharges("after_twitch", after[after < end_s + 60.0], cramp, wearer, rng),
        )

    def _spread_cramp(self, muscle: int) -> "Cramp":
        return replace(
            self,
            muscle=muscle,
            duration_s=0.65 * self.duration_s,
            plateau_uv=0.5 * self.plateau_uv,
            onset="creep",
        )

    def _draw_territory(self, wearer: Wearer, rng: np.random.Generator) -> NDArray[np.int64]:
        """Choose neighbouring units, as many as the plateau needs."""
        muscle = wearer.muscles[self.muscle]
        # The cramp grows around one unit; the exponential part makes its edge ragged.
        middle_mm = rng.choice(muscle.lateral_mm)
        distance_mm = np.abs(muscle.lateral_mm - middle_mm) + rng.exponential(2.0, muscle.units)
        # Campbell's theorem: powers of independent units add up.
        power = muscle.energy_uv2s.max(axis=1) * _MEAN_RATE_HZ * _ACTIVE_SHARE
        # No single unit makes a cramp: the largest units take no part in a weak one.
        order = np.argsort(np.where(power < 0.15 * self.plateau_uv**2, distance_mm, np.inf), kind="stable")
        needed = int(np.searchsorted(np.cumsum(power[order]), self.plateau_uv**2)) + 1
        return np.asarray(order[: int(np.clip(needed, 10, muscle.units))])

    def generate_cramp_only(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Discharges:
        """Generate the discharges of the cramp in its own muscle, without anything before, after or beside it."""
        muscle, units = wearer.muscles[self.muscle], self._draw_territory(wearer, rng)
        t_s = np.arange(0.0, self.duration_s + _STEP_S, _STEP_S)
        course = CrampCourse(self.duration_s, self.onset, self.rise_s, self.ending, self.flutter_per_min)
        rates_hz = unit_rates(t_s, course.drive(t_s, rng), muscle.lateral_mm[units], rng)
        # Variation and doublets differ between cramps as they differ between people.
        cv, doublets = rng.normal(_RENEWAL_CV, 0.05), rng.uniform(0.02, 0.06)
        times, row = discharge_trains(rng, t_s, rates_hz, interval_cv=max(cv, 0.18), doublet_share=doublets)
        slowing = (onset_s + t_s, wearer.stretch_at(onset_s) * self.slowing ** (t_s / self.duration_s))
        discharges = sorted_discharges(self.muscle, onset_s + times, units[row], stretch=slowing)
        discharges.gain[:] = wearer.gain_at(onset_s) * self._plateau_gain(discharges, muscle.energy_uv2s)
        return discharges

    def _plateau_gain(self, discharges: Discharges, energy_uv2s: Floats) -> float:
        """Return the gain that brings the middle half of the cramp to its plateau, as far as units may differ."""
        first_s = float(discharges.time_s[0]) if discharges.time_s.size else 0.0
        middle = discharges.between(first_s + 0.25 * self.duration_s, first_s + 0.75 * self.duration_s)
        power = energy_uv2s[middle.unit].sum(axis=0).max(initial=1e-9) / (0.5 * self.duration_s)
        return float(np.clip(self.plateau_uv / np.sqrt(power), 0.4, 2.5))

    def _single_discharges(
        self, label: str, times_s: Floats, cramp: Discharges, wearer: Wearer, rng: np.random.Generator
    ) -> Activity:
        """Generate single discharges of the larger units of the cramp, with the same gain."""
        units = np.unique(cramp.unit)
        peak_uv = wearer.muscles[self.muscle].peak_uv.max(axis=1)
        pool = units[np.argsort(peak_uv[units])[units.size // 2 :]]
        chosen = rng.choice(pool, times_s.size)
        singles = sorted_discharges(
            self.muscle, times_s, chosen, stretch=float(cramp.stretch[0]), gain=float(cramp.gain[0])
        )
        spans = tuple(Span(EpisodeKind.TWITCH, label, at_s - 0.005, at_s + 0.1) for at_s in times_s)
        return Activity(discharges=(singles,), spans=spans)


def draw_cramp(
    rng: np.random.Generator,
    muscles: int,
    *,
    plateau_uv: tuple[float, float] = (25.0, 110.0),
    longest_s: float = 600.0,
) -> Cramp:
    """Draw a cramp with realistic variety: its duration is log-normal with a median of 50 s, from 10 s to 10 min."""
    muscle = int(rng.integers(muscles))
    others = [index for index in range(muscles) if index != muscle]
    # Cramps mostly stay local (Roeleveld 2000); a quarter spread.
    spreads = bool(others) and rng.uniform() < 0.25
    return Cramp(
        muscle=muscle,
        duration_s=float(np.clip(rng.lognormal(np.log(50.0), 0.75), 10.0, longest_s)),
        plateau_uv=log_uniform(rng, *plateau_uv),
        onset=weighted_choice(rng, _ONSETS),
        rise_s=rng.uniform(1.0, 5.0),
        ending=weighted_choice(rng, _ENDINGS),
        heralds=int(rng.poisson(3.0)),
        after_twitches=int(rng.poisson(3.0)),
        spreads_to=int(rng.choice(others)) if spreads else None,
        slowing=rng.uniform(1.05, 1.35),
        flutter_per_min=log_uniform(rng, 1.0, 12.0) if rng.uniform() < 0.3 else 0.0,
    )
