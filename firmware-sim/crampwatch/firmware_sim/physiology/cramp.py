"""A muscle cramp: heralding fasciculations, sputtering onset, irregular self-sustained discharge, slow end.

Numbers, mostly from induced cramps of the abductor hallucis: units active 23.6 s of some 55 s, 14.5 discharges a
second (6 to 25), interval variation 44.6 %, 4.1 % doublets, common modulation at 1.4 Hz (Minetto 2009, J Neurophysiol
102:1890); peak amplitude 47.5 +- 24.8 uV over 55.6 +- 19.2 s (Minetto 2011, J Physiol 589:5759); a slowly moving part
of the muscle while neighbours are silent (Roeleveld 2000, J Appl Physiol 88:1698; Ross & Thomas 1995, Brain 118:983).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Span, join
from crampwatch.firmware_sim.physiology.chance import Floats, Lattice, log_uniform, pick
from crampwatch.firmware_sim.physiology.discharge import gather, train
from crampwatch.firmware_sim.physiology.twitch import prominent_units
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["Cramp", "draw_cramp"]

Onset = Literal["sputter", "creep", "ramp", "abrupt"]
Ending = Literal["gradual", "self", "stretch"]

_ONSETS: dict[Onset, float] = {"sputter": 0.5, "ramp": 0.2, "creep": 0.2, "abrupt": 0.1}
_ENDINGS: dict[Ending, float] = {"gradual": 0.5, "self": 0.2, "stretch": 0.3}
_STEP_S = 0.02
_MEAN_RATE_HZ = 14.5
_ACTIVE_SHARE = 0.55
_RENEWAL_CV = 0.38
"""Doublets and common modulation raise the variation of the intervals from here to the measured 0.45."""


@dataclass(frozen=True, slots=True)
class Cramp:
    """One cramp.

    Attributes:
        muscle: Index of the muscle.
        duration_s: From the first discharge to the last, without heralds and after-twitches.
        plateau_uv: RMS on the strongest channel at full strength, at 33 degC.
        onset: `sputter`: one or two seconds of bursts before it takes hold; `creep`: unit by unit over many
            seconds; `ramp`: within `rise_s`; `abrupt`: within a third of a second.
        rise_s: Time to full strength after the sputtering.
        ending: `gradual`: unit by unit; `self`: over a few seconds; `stretch`: within two.
        heralds: Fasciculations in the 25 s before.
        after_twitches: Twitches in the minute after.
        spreads_to: Index of a second muscle it spreads to; None for a cramp that stays local.
        slowing: Duration of the potentials at the end over that at the start.
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

    @property
    def lead_s(self) -> float:
        """Where its heralds may begin."""
        return 26.0 if self.heralds else 0.0

    @property
    def extent_s(self) -> float:
        """Where its after-twitches have ended."""
        return self.duration_s + (61.0 if self.after_twitches else 1.0)

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return heralds, cramp and after-twitches."""
        units = self._territory(wearer, rng)
        cramp = [self._discharges(onset_s, wearer, rng, units)]
        if self.spreads_to is not None:
            cramp.append(self._spread().perform_alone(onset_s + 0.3 * self.duration_s, wearer, rng))
        span = Span(EpisodeKind.CRAMP, "cramp", onset_s - 0.05, onset_s + self.duration_s + 0.1)
        heralds = onset_s - np.sort(rng.uniform(1.0, 25.0, self.heralds))[::-1]
        after = onset_s + self.duration_s + 0.8 + np.cumsum(rng.exponential(6.0, self.after_twitches) + 0.4)
        after = after[after < onset_s + self.duration_s + 60.0]
        return join(
            self._singles("fasciculation", heralds, wearer, rng, units),
            Activity(discharges=tuple(cramp), spans=(span,)),
            self._singles("after_twitch", after, wearer, rng, units),
        )

    def perform_alone(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Discharges:
        """Return the discharges of the cramp itself."""
        return self._discharges(onset_s, wearer, rng, self._territory(wearer, rng))

    def _spread(self) -> "Cramp":
        return replace(
            self,
            muscle=self.spreads_to if self.spreads_to is not None else self.muscle,
            duration_s=0.65 * self.duration_s,
            plateau_uv=0.5 * self.plateau_uv,
            onset="creep",
        )

    def _territory(self, wearer: Wearer, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return neighbouring units, as many as the plateau takes."""
        muscle = wearer.muscles[self.muscle]
        middle_mm = rng.choice(muscle.lateral_mm)
        distance_mm = np.abs(muscle.lateral_mm - middle_mm) + rng.exponential(2.0, muscle.units)
        order = np.argsort(distance_mm)
        power = np.cumsum(muscle.energy_uv2s[order].max(axis=1)) * _MEAN_RATE_HZ * _ACTIVE_SHARE
        needed = int(np.searchsorted(power, self.plateau_uv**2)) + 1
        return np.asarray(order[: int(np.clip(needed, 10, muscle.units))])

    def _discharges(
        self, onset_s: float, wearer: Wearer, rng: np.random.Generator, units: NDArray[np.int64]
    ) -> Discharges:
        muscle = wearer.muscles[self.muscle]
        t_s = np.arange(0.0, self.duration_s + _STEP_S, _STEP_S)
        rates_hz = self._rates(t_s, muscle.lateral_mm[units], rng)
        cv, doublets = rng.normal(_RENEWAL_CV, 0.05), rng.uniform(0.02, 0.06)
        trains = [
            (int(unit), onset_s + train(rng, t_s, rate, interval_cv=max(cv, 0.25), doublet_share=doublets))
            for unit, rate in zip(units, rates_hz, strict=True)
        ]
        slowing = (onset_s + t_s, wearer.stretch_at(onset_s) * self.slowing ** (t_s / self.duration_s))
        discharges = gather(self.muscle, trains, stretch=slowing)
        discharges.gain[:] = wearer.gain_at(onset_s) * self._strength(discharges, muscle.energy_uv2s)
        return discharges

    def _strength(self, discharges: Discharges, energy_uv2s: Floats) -> float:
        """Return the factor that brings the middle half of the cramp to its plateau, within what units can differ."""
        first_s = float(discharges.time_s[0]) if discharges.time_s.size else 0.0
        middle = discharges.between(first_s + 0.25 * self.duration_s, first_s + 0.75 * self.duration_s)
        power = energy_uv2s[middle.unit].sum(axis=0).max(initial=1e-9) / (0.5 * self.duration_s)
        return float(np.clip(self.plateau_uv / np.sqrt(power), 0.4, 2.5))

    def _rates(self, t_s: Floats, lateral_mm: Floats, rng: np.random.Generator) -> Floats:
        """Return the discharge rate of every unit over time, shape (units, times); 0 while silent."""
        drive = self._drive(t_s, rng)
        start_mm, end_mm = rng.choice(lateral_mm, 2)
        middle_mm = start_mm + (end_mm - start_mm) * t_s / self.duration_s
        near = np.exp(-(((lateral_mm[:, None] - middle_mm) / 7.0) ** 2))
        hurdle = rng.uniform(0.08, 0.7, lateral_mm.size)
        hurdle[int(rng.integers(lateral_mm.size))] = 0.02
        key = int(rng.integers(2**31))
        restless = np.stack([Lattice(key, unit).smooth(t_s / 6.0) for unit in range(lateral_mm.size)])
        active = drive * (0.45 + 0.55 * near) + 0.22 * drive * restless > hurdle[:, None]
        first_hz = rng.normal(21.0, 2.5, lateral_mm.size)[:, None]
        last_hz = rng.normal(11.0, 2.0, lateral_mm.size)[:, None]
        tiring = np.exp(-t_s / rng.uniform(15.0, 40.0))
        rate_hz = (last_hz + (first_hz - last_hz) * tiring) * (0.6 + 0.4 * drive)
        return np.where(active, np.clip(rate_hz, 6.0, 28.0) * self._common(t_s, rng), 0.0)

    def _common(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        """Return the modulation all units share: 1.4 +- 0.4 Hz with a wandering phase."""
        frequency_hz = float(np.clip(rng.normal(1.4, 0.4), 0.7, 2.4))
        wander = Lattice(int(rng.integers(2**31)), 1).smooth(t_s / 1.5)
        return np.asarray(1 + rng.uniform(0.1, 0.3) * np.sin(2 * np.pi * frequency_hz * t_s + wander))

    def _drive(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        """Return the strength of the cramp over time, 0 to about 1."""
        key = int(rng.integers(2**31))
        waxing = np.exp(rng.uniform(0.05, 0.25) * Lattice(key, 1).smooth(t_s / 5.0))
        left_s = self.duration_s - t_s
        ending = _smooth_step(left_s / self._fall_s(rng))
        return np.asarray(ending * self._rise(t_s, rng) * np.clip(waxing, 0.5, 1.4))

    def _rise(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        limit_s = 0.4 * self.duration_s
        if self.onset == "abrupt":
            return _smooth_step(0.15 + t_s / min(0.3, limit_s))
        if self.onset == "ramp":
            return _smooth_step(0.15 + t_s / min(self.rise_s, limit_s))
        if self.onset == "creep":
            return 0.06 + 0.94 * _smooth_step(t_s / min(3.0 * self.rise_s + 3.0, limit_s))
        sputter_s = min(rng.uniform(1.0, 2.0), 0.2 * self.duration_s)
        rising = 0.3 + 0.7 * _smooth_step((t_s - sputter_s) / min(self.rise_s, limit_s))
        return rising * np.where(t_s < sputter_s, _sputter(t_s, rng), 1.0)

    def _fall_s(self, rng: np.random.Generator) -> float:
        if self.ending == "gradual":
            return float(np.clip(rng.uniform(0.15, 0.5) * self.duration_s, 3.0, 25.0))
        return float(rng.uniform(3.0, 6.0) if self.ending == "self" else rng.uniform(0.8, 2.0))

    def _singles(
        self,
        label: str,
        times_s: Floats,
        wearer: Wearer,
        rng: np.random.Generator,
        units: NDArray[np.int64],
    ) -> Activity:
        """Return lone discharges of the tallest of the units that cramp."""
        peak_uv = wearer.muscles[self.muscle].peak_uv.max(axis=1)
        tall = np.intersect1d(units, prominent_units(wearer, self.muscle, 10.0))
        pool = tall if tall.size else units[np.argsort(peak_uv[units])[-3:]]
        trains = [(int(rng.choice(pool)), np.array([at_s])) for at_s in times_s]
        stretch = wearer.stretch_at(float(times_s[0])) if times_s.size else 1.0
        gain = wearer.gain_at(float(times_s[0])) if times_s.size else 1.0
        return Activity(
            discharges=(gather(self.muscle, trains, stretch=stretch, gain=gain),),
            spans=tuple(Span(EpisodeKind.TWITCH, label, at_s - 0.005, at_s + 0.1) for at_s in times_s),
        )


def draw_cramp(
    rng: np.random.Generator,
    muscles: int,
    *,
    plateau_uv: tuple[float, float] = (25.0, 110.0),
    longest_s: float = 600.0,
) -> Cramp:
    """Draw a cramp as varied as life: duration log-normal with a median of 50 s, from 10 s to 10 min."""
    muscle = int(rng.integers(muscles))
    others = [index for index in range(muscles) if index != muscle]
    spreads = bool(others) and rng.uniform() < 0.25
    return Cramp(
        muscle=muscle,
        duration_s=float(np.clip(rng.lognormal(np.log(50.0), 0.75), 10.0, longest_s)),
        plateau_uv=log_uniform(rng, *plateau_uv),
        onset=pick(rng, _ONSETS),
        rise_s=rng.uniform(1.0, 5.0),
        ending=pick(rng, _ENDINGS),
        heralds=int(rng.poisson(3.0)),
        after_twitches=int(rng.poisson(3.0)),
        spreads_to=int(rng.choice(others)) if spreads else None,
        slowing=rng.uniform(1.05, 1.35),
    )


def _smooth_step(x: Floats) -> Floats:
    held = np.clip(x, 0.0, 1.0)
    return np.asarray(held * held * (3 - 2 * held))


def _sputter(t_s: Floats, rng: np.random.Generator) -> Floats:
    """Return 1 in bursts and 0 in the pauses between them, a few tenths of a second each."""
    lengths_s = rng.uniform(0.08, 0.35, 60)
    turns = np.searchsorted(np.cumsum(lengths_s), t_s, side="right")
    return np.asarray((turns % 2 == 0).astype(np.float64))
