"""The amplifier between electrode and converter: pass band and rails."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, pi

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats
from scipy.signal import butter, sosfilt

__all__ = ["FrontEnd"]


@dataclass(frozen=True)
class FrontEnd:
    """A causal Butterworth band-pass (12 dB an octave below, 24 above) that clips at its rails.

    Attributes:
        rate_hz: Samples per second.
        band_hz: Corners of the pass band.
        rail_uv: Largest voltage that it can represent, of either sign.
    """

    rate_hz: float
    band_hz: tuple[float, float]
    rail_uv: float

    @property
    def settle_samples(self) -> int:
        """Samples after which an earlier input has decayed to 1e-8 of its size."""
        return ceil(self.rate_hz * 18.4 * 2**0.5 / (2 * pi * self.band_hz[0]))

    def filter(self, input_uv: Floats) -> Floats:
        """Filter an input of shape (samples, channels), starting from zero state; the output is not clipped."""
        return np.asarray(sosfilt(self._sections, input_uv, axis=0))

    def clip(self, output_uv: Floats) -> Floats:
        """Limit the output to the rails."""
        return np.clip(output_uv, -self.rail_uv, self.rail_uv)

    @cached_property
    def _sections(self) -> Floats:
        high_pass = butter(2, self.band_hz[0], "highpass", fs=self.rate_hz, output="sos")
        if self.band_hz[1] >= 0.49 * self.rate_hz:
            return np.asarray(high_pass)
        low_pass = butter(4, self.band_hz[1], "lowpass", fs=self.rate_hz, output="sos")
        return np.concatenate([high_pass, low_pass])
