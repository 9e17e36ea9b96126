"""Which hops can be trusted, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from crampwatch.detector.events import QUALITY_BITS
from crampwatch.detector.frontend import emg_band_hz
from crampwatch.detector.grid import Grid
from crampwatch.detector.measures import Measures
from crampwatch.protocol.kinds import Quality
from crampwatch.protocol.stream import SampleFormat, StreamDescription
from numpy.typing import NDArray

__all__ = ["BLOCKING_BITS", "OFF_BODY_BITS", "QualityGate"]

Array = NDArray[np.float64]

_RAIL_SHARE = 0.98
_COARSE_UV = (
    4.0  # a resting foot muscle stays below; DOMAIN: a leg channel with 31 uV a count cannot show a leg movement
)
_NARROW_TOP_HZ = 60.0  # below 45-82 % of the power of a burst, most of it gone
_MAINS_RATIO = 4.0  # line power over all other power
_LEAD_OFF_MAINS_UV = 400.0  # RMS; an open input picks up this much, a dry contact up to a half of it
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
    """Judges hops by what is known of the streams. All attributes have a value a channel.

    Attributes:
        known: Whether the scale is known, so that microvolts mean something.
        step: Least difference between two values, uV; 1 where the scale is unknown.
        top: Value at full scale above the offset, uV; NaN where unknown.
        offset: Value at a count of 0, uV.
        standing: Bits of what is wrong with the stream itself, at all times.
        often: Repeated extremes in a hop from which on it may be clipped.
    """

    known: NDArray[np.bool_]
    step: Array
    top: Array
    offset: Array
    standing: NDArray[np.uint16]
    often: Array

    @classmethod
    def of(cls, stream: StreamDescription) -> "QualityGate":
        """Return the gate of one stream."""
        known, channels = stream.scale_known, stream.channels
        highest = 2 ** (8 * SampleFormat(stream.format).octets - 1) - 1
        hop_samples = Grid.at_rate(stream.rate_hz).hop_samples
        return cls(
            known=np.full(channels, known),
            step=np.full(channels, stream.lsb_uv if known else 1.0),
            top=np.full(channels, stream.lsb_uv * highest if known else np.nan),
            offset=np.full(channels, stream.offset * 1e6 if known else 0.0),
            standing=np.full(channels, _standing_bits(stream), np.uint16),
            often=np.full(channels, max(4.0, _CLIPPED_SHARE * hop_samples)),
        )

    @classmethod
    def beside(cls, gates: Sequence["QualityGate"]) -> "QualityGate":
        """Return the gate for streams side by side."""
        return cls(*(np.concatenate([getattr(gate, name) for gate in gates]) for name in _PARTS))

    def bits(self, measures: Measures) -> NDArray[np.uint16]:
        """Return bits of `QUALITY_BITS` for each hop and channel; (hops, channels)."""
        power, mains, motion = measures.power, measures.mains, measures.motion
        spread = measures.highest - measures.lowest
        missing = np.isnan(power)
        found = {
            Quality.NO_DATA: missing,
            Quality.FLAT: spread == 0,
            Quality.RAIL: ~missing & self._at_rail(measures),
            Quality.CLIPPED: ~missing & self._clipped(measures, spread),
            Quality.MAINS: mains > _MAINS_RATIO * (power + 1e-3),
            Quality.LEAD_OFF: (mains > _LEAD_OFF_MAINS_UV**2) & (mains > _LEAD_OFF_RATIO * power) & self.known,
            Quality.MOTION: (motion > _MOTION_RATIO * (power + 1e-3)) & ((motion > _MOTION_UV**2) | ~self.known),
        }
        total = np.broadcast_to(self.standing, power.shape).copy()
        for quality, where in found.items():
            total += where * np.uint16(QUALITY_BITS[quality])
        return total

    def _at_rail(self, measures: Measures) -> NDArray[np.bool_]:
        rail = _RAIL_SHARE * self.top
        return (measures.lowest - self.offset > rail) | (measures.highest - self.offset < -rail)

    def _clipped(self, measures: Measures, spread: Array) -> NDArray[np.bool_]:
        """Several samples repeat the extreme, which a wave that is large against its steps does not do by chance."""
        large = (spread > 100 * self.step) & (spread * spread > 60.0 * (measures.power + measures.mains) * 0.1)
        return (measures.at_extreme >= self.often) & large & ((spread > 200.0) | ~self.known)


_PARTS = tuple(item.name for item in fields(QualityGate))


def _standing_bits(stream: StreamDescription) -> int:
    coarse = stream.scale_known and stream.lsb_uv > _COARSE_UV
    narrow = emg_band_hz(stream.rate_hz)[1] < _NARROW_TOP_HZ
    return coarse * QUALITY_BITS[Quality.COARSE_LSB] | narrow * QUALITY_BITS[Quality.NARROW_BAND]
