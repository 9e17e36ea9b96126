"""Skin temperature of a foot during a night, and its effect on surface potentials."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise

__all__ = ["REFERENCE_C", "SkinTemperature", "amplitude_factor", "duration_factor"]

REFERENCE_C = 33.0
"""Temperature at which potentials have their nominal duration and amplitude."""
# Soleus at 32.9 and 21.7 degC: mean power frequency 142 and 83 Hz, amplitude 73 and 135 uV (Winkel & Jorgensen
# 1991, Eur J Appl Physiol 63:345). Interpolated exponentially over the 11.2 degC between them.
_DURATION_PER_C = (142 / 83) ** (1 / 11.2)
_AMPLITUDE_PER_C = (135 / 73) ** (1 / 11.2)


def duration_factor(skin_c: float) -> float:
    """Return the duration of a potential relative to that at 33 degC: longer in the cold."""
    return float(_DURATION_PER_C ** (REFERENCE_C - np.clip(skin_c, 12.0, 40.0)))


def amplitude_factor(skin_c: float) -> float:
    """Return the height of a potential relative to that at 33 degC, such that EMG amplitude follows the measurements.

    A longer potential alone raises the RMS by the square root of `duration_factor`; the rest is height.
    """
    degrees = REFERENCE_C - np.clip(skin_c, 12.0, 40.0)
    return float(_AMPLITUDE_PER_C**degrees / _DURATION_PER_C ** (degrees / 2))


@dataclass(frozen=True, slots=True)
class SkinTemperature:
    """Skin temperature during a recording.

    A foot warms when its vessels dilate at bedtime (Krauchi 1999, Nature 401:36), then fluctuates slowly, and cools
    when it sticks out of the duvet.

    Attributes:
        seed: Selects the fluctuation.
        start_c: At the first sample.
        settled_c: In bed, once it is warm.
        warm_time_s: Time constant of the warming.
        wander_c: Standard deviation of the slow fluctuation.
        excursions: Start and duration in s, and depth in degC, of each cooling.
    """

    seed: int
    start_c: float = 30.0
    settled_c: float = 33.5
    warm_time_s: float = 1500.0
    wander_c: float = 0.3
    excursions: tuple[tuple[float, float, float], ...] = ()

    def at(self, t_s: Floats) -> Floats:
        """Return the temperature of the skin in degC at the times `t_s`."""
        skin_c = self.settled_c + (self.start_c - self.settled_c) * np.exp(-t_s / self.warm_time_s)
        skin_c += self.wander_c * Noise(self.seed, 71).smooth(t_s / 900.0)
        for start_s, length_s, depth_c in self.excursions:
            cooling = 1 - np.exp(-np.clip(t_s - start_s, 0, length_s) / 300.0)
            rewarming = np.exp(-np.clip(t_s - start_s - length_s, 0, None) / 420.0)
            skin_c -= depth_c * cooling * rewarming
        return skin_c

    def measured(self, first_index: int, count: int, rate_hz: float) -> Floats:
        """Return what the thermometer of the sensor reads: with 0.02 degC of noise, in steps of 0.01 degC."""
        index = first_index + np.arange(count)
        noisy = self.at(index / rate_hz) + 0.02 * Noise(self.seed, 72).values(first_index, count)
        return np.asarray(np.round(noisy, 2))
