"""Which hops can be trusted, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from crampwatch.detector.model.events import QUALITY_BITS
from crampwatch.detector.signal.filters import emg_band_hz
from crampwatch.detector.signal.grid import Frame, Grid
from crampwatch.detector.signal.measures import Measures, count_true
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
        known, channels = stream.has_scale, stream.channels
        highest = 2 ** (8 * SampleFormat(stream.format).sample_bytes - 1) - 1
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

    def bits(self, frame: Frame, measures: Measures) -> NDArray[np.uint16]:
        """Return bits of `QUALITY_BITS` for each hop and channel, as read and as measured; (hops, channels)."""
        power, mains, motion = measures.power, measures.mains, measures.motion
        spread = frame.highest - frame.lowest
        missing = np.isnan(power)
        found = {
            Quality.NO_DATA: missing,
            Quality.FLAT: spread == 0,
            Quality.RAIL: ~missing & self._at_rail(frame),
            Quality.CLIPPED: ~missing & self._clipped(frame, measures, spread),
            Quality.MAINS: mains > _MAINS_RATIO * (power + 1e-3),
            Quality.LEAD_OFF: (mains > _LEAD_OFF_MAINS_UV**2) & (mains > _LEAD_OFF_RATIO * power) & self.known,
            Quality.MOTION: (motion > _MOTION_RATIO * (power + 1e-3)) & ((motion > _MOTION_UV**2) | ~self.known),
        }
        total = np.broadcast_to(self.standing, power.shape).copy()
        for quality, where in found.items():
            total += where * np.uint16(QUALITY_BITS[quality])
        return total

    def _at_rail(self, frame: Frame) -> NDArray[np.bool_]:
        rail = _RAIL_SHARE * self.top
        return (frame.lowest - self.offset > rail) | (frame.highest - self.offset < -rail)

    def _clipped(self, frame: Frame, measures: Measures, spread: Array) -> NDArray[np.bool_]:
        """Several samples repeat the extreme, which a wave that is large against its steps does not do by chance."""
        large = (spread > 100 * self.step) & (spread * spread > 60.0 * (measures.power + measures.mains) * 0.1)
        clipped = large & ((spread > 200.0) | ~self.known)
        hops, channels = clipped.nonzero()  # few or none: only there the samples are looked at
        clipped[hops, channels] = _at_extreme(frame.samples[:, hops, channels]) >= self.often[channels]
        return clipped


def _at_extreme(samples: Array) -> NDArray[np.integer[Any]]:
    """Return how many samples repeat the largest or the least value of a hop; the place within it comes first."""
    at_top = count_true(samples == samples.max(axis=0))
    at_bottom = count_true(samples == samples.min(axis=0))
    repeats: NDArray[np.integer[Any]] = np.maximum(at_top, at_bottom)
    return repeats


_PARTS = tuple(item.name for item in fields(QualityGate))


def _standing_bits(stream: StreamDescription) -> int:
    coarse = stream.has_scale and stream.lsb_uv > _COARSE_UV
    narrow = emg_band_hz(stream.rate_hz)[1] < _NARROW_TOP_HZ
    return coarse * QUALITY_BITS[Quality.COARSE_LSB] | narrow * QUALITY_BITS[Quality.NARROW_BAND]
