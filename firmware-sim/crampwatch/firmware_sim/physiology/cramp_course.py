"""The strength of a cramp over time, and the discharge rate of each of its motor units.

The strength (`CrampCourse.drive`) is a product of onset, end, slow waxing and waning, and moments of weakness. Each
unit discharges while the strength near it exceeds a threshold of its own; because a slow random process is added and
the centre of activity moves across the muscle, units come and go regardless of their size. That is how cramps differ
from voluntary contractions, in which small units are recruited first and released last.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise

__all__ = ["CrampCourse", "Ending", "Onset", "unit_rates"]

Onset = Literal["sputter", "creep", "ramp", "abrupt"]
Ending = Literal["gradual", "self", "stretch"]


@dataclass(frozen=True, slots=True)
class CrampCourse:
    """The time course of one cramp; its fields are those of `Cramp`."""

    duration_s: float
    onset: Onset
    rise_s: float
    ending: Ending
    flutter_per_min: float

    def drive(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        """Return the strength of the cramp, 0 to about 1, at times since its onset."""
        slow, fast = Noise(int(rng.integers(2**31)), 1), Noise(int(rng.integers(2**31)), 2)
        waxing = rng.uniform(0.08, 0.35) * slow.smooth(t_s / 8.0) + rng.uniform(0.05, 0.2) * fast.smooth(t_s / 1.2)
        ending = _smooth_step((self.duration_s - t_s) / self._draw_fall_s(rng))
        strength = ending * self._rising_strength(t_s, rng) * np.clip(np.exp(waxing), 0.35, 1.5)
        return np.asarray(strength * self._draw_flutter(t_s, rng))

    def _rising_strength(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        # A short cramp must reach its full strength before it ends.
        limit_s = 0.4 * self.duration_s
        if self.onset == "abrupt":
            return _smooth_step(0.15 + t_s / min(0.3, limit_s))
        if self.onset == "ramp":
            return _smooth_step(0.15 + t_s / min(self.rise_s, limit_s))
        if self.onset == "creep":
            return 0.06 + 0.94 * _smooth_step(t_s / min(3.0 * self.rise_s + 3.0, limit_s))
        sputter_s = min(rng.uniform(1.0, 2.0), 0.2 * self.duration_s)
        rising = 0.3 + 0.7 * _smooth_step((t_s - sputter_s) / min(self.rise_s, limit_s))
        return rising * np.where(t_s < sputter_s, _draw_sputter(t_s, rng), 1.0)

    def _draw_fall_s(self, rng: np.random.Generator) -> float:
        if self.ending == "gradual":
            return float(np.clip(rng.uniform(0.15, 0.5) * self.duration_s, 3.0, 25.0))
        return float(rng.uniform(3.0, 6.0) if self.ending == "self" else rng.uniform(0.8, 2.0))

    def _draw_flutter(self, t_s: Floats, rng: np.random.Generator) -> Floats:
        """Return a factor that drops for moments, as in a cramp that is about to end."""
        factor = np.ones(t_s.size)
        for at_s in rng.uniform(0.25, 1.0, int(rng.poisson(self.flutter_per_min * self.duration_s / 60.0))):
            middle_s, half_s = at_s * self.duration_s, rng.uniform(0.15, 0.6)
            factor[np.abs(t_s - middle_s) < half_s] *= rng.uniform(0.05, 0.5)
        return factor


def unit_rates(t_s: Floats, drive: Floats, lateral_mm: Floats, rng: np.random.Generator) -> Floats:
    """Return the discharge rate in Hz of every unit over time, shape (units, times); 0 while silent.

    Rates fall from about 20 to 10 per second as the muscle fatigues.

    Args:
        t_s: Times since the onset.
        drive: Strength of the cramp at these times.
        lateral_mm: Position of each unit across the muscle.
        rng: Source of everything random.
    """
    count, duration_s = lateral_mm.size, float(t_s[-1])
    start_mm, end_mm = rng.choice(lateral_mm, 2)
    middle_mm = start_mm + (end_mm - start_mm) * t_s / duration_s
    # The centre of activity moves from one unit's position to another's during the cramp.
    near = np.exp(-(((lateral_mm[:, None] - middle_mm) / 7.0) ** 2))
    hurdle = rng.uniform(0.1, 1.0, count)
    # One unit discharges throughout, so that a weak cramp is never silent.
    hurdle[int(rng.integers(count))] = 0.02
    key = int(rng.integers(2**31))
    restless = np.stack([Noise(key, unit).smooth(t_s / 6.0) for unit in range(count)])
    active = drive * (0.45 + 0.55 * near) + 0.3 * drive * restless > hurdle[:, None]
    first_hz, last_hz = rng.normal(20.0, 2.5, count)[:, None], rng.normal(10.0, 2.0, count)[:, None]
    tiring = np.exp(-t_s / rng.uniform(15.0, 40.0))
    rate_hz = (last_hz + (first_hz - last_hz) * tiring) * (0.6 + 0.4 * drive)
    return np.where(active, np.clip(rate_hz, 6.0, 28.0) * _common_modulation(t_s, rng), 0.0)


def _common_modulation(t_s: Floats, rng: np.random.Generator) -> Floats:
    """Return the modulation that all units share: 1.4 +- 0.4 Hz with a wandering phase."""
    frequency_hz = float(np.clip(rng.normal(1.4, 0.4), 0.7, 2.4))
    wander = Noise(int(rng.integers(2**31)), 1).smooth(t_s / 1.5)
    return np.asarray(1 + rng.uniform(0.1, 0.3) * np.sin(2 * np.pi * frequency_hz * t_s + wander))


def _smooth_step(x: Floats) -> Floats:
    held = np.clip(x, 0.0, 1.0)
    return np.asarray(held * held * (3 - 2 * held))


def _draw_sputter(t_s: Floats, rng: np.random.Generator) -> Floats:
    """Return 1 during bursts and 0 between them; both last a few tenths of a second."""
    lengths_s = rng.uniform(0.08, 0.35, 60)
    turns = np.searchsorted(np.cumsum(lengths_s), t_s, side="right")
    return np.asarray((turns % 2 == 0).astype(np.float64))
