"""Which hops can be trusted, and why the others cannot."""

import math
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.events import QUALITY_BITS
from crampwatch.detector.frontend import emg_band_hz
from crampwatch.detector.measures import Measures
from crampwatch.protocol.kinds import Quality
from crampwatch.protocol.stream import SampleFormat, StreamDescription
from numpy.typing import NDArray

__all__ = ["BLOCKING_BITS", "OFF_BODY_BITS", "QualityGate"]

_RAIL_SHARE = 0.98
_COARSE_UV = (
    4.0  # a resting foot muscle stays below; DOMAIN: a leg channel with 31 uV a count cannot show a leg movement
)
_NARROW_TOP_HZ = 60.0  # below 45-82 % of the power of a burst, most of it gone
_MAINS_RATIO = 4.0  # line power over all other power
_LEAD_OFF_MAINS_UV = 150.0  # an open input picks up this much, skin contact does not
_LEAD_OFF_RATIO = 30.0
_MOTION_RATIO = 6.0
_MOTION_UV = 30.0
_CLIPPED_SHARE = 0.04

OFF_BODY_BITS = QUALITY_BITS[Quality.LEAD_OFF] | QUALITY_BITS[Quality.RAIL]
"""The electrode does not touch the skin."""

BLOCKING_BITS = (
    OFF_BODY_BITS | QUALITY_BITS[Quality.NO_DATA] | QUALITY_BITS[Quality.FLAT] | QUALITY_BITS[Quality.NARROW_BAND]
)
"""Nothing can be said about muscle activity."""


@dataclass(frozen=True, slots=True)
class QualityGate:
    """Judges hops by what is known of the stream.

    Attributes:
        stream: The stream as the sensor describes it.
    """

    stream: StreamDescription

    def bits(self, measures: Measures) -> NDArray[np.uint16]:
        """Return bits of `QUALITY_BITS` for each hop and channel; (hops, channels)."""
        power, mains, motion = measures.power, measures.mains, measures.motion
        spread = measures.highest - measures.lowest
        known = self.stream.scale_known
        found = {
            Quality.NO_DATA: np.isnan(power),
            Quality.FLAT: spread == 0,
            Quality.RAIL: self._at_rail(measures),
            Quality.CLIPPED: self._clipped(measures, spread),
            Quality.MAINS: mains > _MAINS_RATIO * (power + 1e-3),
            Quality.LEAD_OFF: (mains > _LEAD_OFF_MAINS_UV**2) & (mains > _LEAD_OFF_RATIO * power) & known,
            Quality.MOTION: (motion > _MOTION_RATIO * (power + 1e-3)) & ((motion > _MOTION_UV**2) | (not known)),
        }
        total = np.full(power.shape, self._standing_bits(), np.uint16)
        for quality, where in found.items():
            total += where * np.uint16(QUALITY_BITS[quality])
        return total

    def _standing_bits(self) -> int:
        """Return what is wrong with the stream itself, at all times."""
        coarse = self.stream.scale_known and self.stream.lsb_uv > _COARSE_UV
        narrow = emg_band_hz(self.stream.rate_hz)[1] < _NARROW_TOP_HZ
        return coarse * QUALITY_BITS[Quality.COARSE_LSB] | narrow * QUALITY_BITS[Quality.NARROW_BAND]

    def _at_rail(self, measures: Measures) -> NDArray[np.bool_]:
        top = self._full_scale_uv()
        if math.isnan(top):
            return np.zeros(measures.power.shape, bool)
        offset = self.stream.offset * 1e6
        rail = _RAIL_SHARE * top
        return np.isfinite(measures.power) & ((measures.lowest - offset > rail) | (measures.highest - offset < -rail))

    def _clipped(self, measures: Measures, spread: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Several samples repeat the extreme, which a wave that is large against its steps does not do by chance."""
        count = 5 * max(1, round(self.stream.rate_hz * 0.02))
        often = measures.at_extreme >= max(4.0, _CLIPPED_SHARE * count)
        step = self.stream.lsb_uv if self.stream.scale_known else 1.0
        large = (spread > 100 * step) & (spread * spread > 60.0 * (measures.power + measures.mains) * 0.1)
        return np.isfinite(measures.power) & often & large & (spread > 200.0 if self.stream.scale_known else True)

    def _full_scale_uv(self) -> float:
        octets = SampleFormat(self.stream.format).octets
        return self.stream.lsb_uv * (2 ** (8 * octets - 1) - 1) if self.stream.scale_known else math.nan
