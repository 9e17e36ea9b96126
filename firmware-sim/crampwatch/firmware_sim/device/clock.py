"""The clock of the sensor: with a constant error, and a slow change as the temperature changes."""

import math
from dataclasses import dataclass

__all__ = ["DriftingClock"]


@dataclass(frozen=True, slots=True)
class DriftingClock:
    """Maps true seconds since boot to the seconds the sensor's crystal counted.

    A watch crystal is accurate to 20 to 50 ppm and slows by about 0.035 ppm per squared degree from its turnover
    temperature (typical 32.768 kHz data sheet), so a bed that warms up changes its rate by a few ppm in an hour or two.

    Args:
        ppm: Constant error; positive is fast.
        wander_ppm: Amplitude of the slow change of rate.
        wander_period_s: Period of that change.
    """

    ppm: float = 0.0
    wander_ppm: float = 0.0
    wander_period_s: float = 5400.0

    def device_s(self, true_s: float) -> float:
        """Return the time of the clock; increases with `true_s` for any error below a million ppm.

        >>> DriftingClock(ppm=20).device_s(1e6)
        1000020.0
        """
        turn = 2 * math.pi / self.wander_period_s
        return true_s * (1 + self.ppm * 1e-6) + self.wander_ppm * 1e-6 / turn * math.sin(turn * true_s)

    def true_s(self, device_s: float) -> float:
        """Return when the clock shows `device_s`, accurate to well below a microsecond."""
        true_s = device_s
        for _ in range(4):  # each step shrinks the error by the rate error, at most 1e-3
            true_s += device_s - self.device_s(true_s)
        return true_s
