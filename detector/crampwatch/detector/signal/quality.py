"""Which hops can be trusted, and why the others cannot.

Each fault is a bit, so that a hop may have several. Some are only reported (mains, motion, clipping, coarse steps).
Others block (`BLOCKING_BITS`): nothing can be said about muscle activity then, and nothing is guessed. Two faults
belong to the stream itself and are set at all times: a resolution too coarse for a resting muscle, and a sampling rate
too low for a muscle's band.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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

_RAIL_SHARE = 0.98  # of full scale; amplifiers saturate a little below the converter's limit
_COARSE_UV = 4.0  # a resting foot muscle stays below; a leg channel with steps of 31 uV cannot show a leg movement
_NARROW_TOP_HZ = 60.0  # a band that ends below has lost 45-82 % of the power of a burst
_MAINS_RATIO = 4.0  # line power over all other power
_LEAD_OFF_MAINS_UV = 400.0  # RMS; an open input picks up this much, a dry contact up to a half of it
_LEAD_OFF_RATIO = 30.0  # of it over the EMG band: a strong contraction with mains on top is no lead-off
_MOTION_RATIO = 6.0  # slow waves over the EMG band; muscle itself has a hundredth there
_MOTION_UV = 30.0  # RMS; weaker slow waves are breathing, pulse and drift
_CLIPPED_SHARE = 0.04  # samples of a hop that repeat its extreme; a sine of full size has fewer
_FEWEST_CLIPPED = 4.0  # whatever the rate
_CLIPPED_UV = 200.0  # peak to peak; amplifiers that clip do so far above it
_CLIPPED_STEPS = 100  # peak to peak in steps: with fewer, values repeat by chance
_TINY = 1e-3  # uV2: a flat signal has neither mains nor motion
_SHARP_RATIO = 6.0  # squared peak to peak over power: large against what the filters let through

OFF_BODY_BITS = QUALITY_BITS[Quality.LEAD_OFF] | QUALITY_BITS[Quality.RAIL]
"""The electrode does not touch the skin."""

BLOCKING_BITS = (
    OFF_BODY_BITS | QUALITY_BITS[Quality.NO_DATA] | QUALITY_BITS[Quality.FLAT] | QUALITY_BITS[Quality.NARROW_BAND]
)
"""Nothing can be said about muscle activity."""


@dataclass(frozen=True, slots=True)
class QualityGate:
    """Checks the quality of hops. All attributes have one value for each channel.

    Attributes:
        has_scale: Whether the scale is known, so that values are microvolts.
        step: Least difference between two values, uV; 1 where the scale is unknown.
        full_scale: Largest value above the offset, uV; NaN where the scale is unknown.
        offset: Value at a count of 0, uV.
        permanent: Bits of what is wrong with the stream itself, at all times.
        least_repeats: Repeated extremes in a hop from which on it may be clipped.
    """

    has_scale: NDArray[np.bool_]
    step: Array
    full_scale: Array
    offset: Array
    permanent: NDArray[np.uint16]
    least_repeats: Array

    @classmethod
    def for_stream(cls, stream: StreamDescription) -> "QualityGate":
        """Return the gate of one stream."""
        has_scale, channels = stream.has_scale, stream.channels
        highest = 2 ** (8 * SampleFormat(stream.format).sample_bytes - 1) - 1
        hop_samples = Grid.at_rate(stream.rate_hz).hop_samples
        return cls(
            has_scale=np.full(channels, has_scale),
            step=np.full(channels, stream.lsb_uv if has_scale else 1.0),
            full_scale=np.full(channels, stream.lsb_uv * highest if has_scale else np.nan),
            offset=np.full(channels, stream.offset * 1e6 if has_scale else 0.0),
            permanent=np.full(channels, _permanent_bits(stream), np.uint16),
            least_repeats=np.full(channels, max(_FEWEST_CLIPPED, _CLIPPED_SHARE * hop_samples)),
        )

    @classmethod
    def stacked(cls, gates: Sequence["QualityGate"]) -> "QualityGate":
        """Return the gate of streams side by side."""
        return cls(
            has_scale=np.concatenate([gate.has_scale for gate in gates]),
            step=np.concatenate([gate.step for gate in gates]),
            full_scale=np.concatenate([gate.full_scale for gate in gates]),
            offset=np.concatenate([gate.offset for gate in gates]),
            permanent=np.concatenate([gate.permanent for gate in gates]),
            least_repeats=np.concatenate([gate.least_repeats for gate in gates]),
        )

    def check(self, frame: Frame, measures: Measures) -> NDArray[np.uint16]:
        """Return the bits of `QUALITY_BITS` for each hop and channel, (hops, channels).

        The rails are looked for in the raw values of the frame, the rest in what was measured of them.
        """
        power, mains, motion = measures.power, measures.mains, measures.motion
        spread = frame.highest - frame.lowest
        is_missing = np.isnan(power)
        faults = {
            Quality.NO_DATA: is_missing,
            Quality.FLAT: spread == 0,
            Quality.RAIL: ~is_missing & self._is_at_rail(frame),
            Quality.CLIPPED: ~is_missing & self._is_clipped(frame, measures, spread),
            Quality.MAINS: mains > _MAINS_RATIO * (power + _TINY),
            Quality.LEAD_OFF: (mains > _LEAD_OFF_MAINS_UV**2) & (mains > _LEAD_OFF_RATIO * power) & self.has_scale,
            Quality.MOTION: (motion > _MOTION_RATIO * (power + _TINY)) & ((motion > _MOTION_UV**2) | ~self.has_scale),
        }
        bits = np.broadcast_to(self.permanent, power.shape).copy()
        for quality, where in faults.items():
            bits += where * np.uint16(QUALITY_BITS[quality])
        return bits

    def _is_at_rail(self, frame: Frame) -> NDArray[np.bool_]:
        rail = _RAIL_SHARE * self.full_scale
        return (frame.lowest - self.offset > rail) | (frame.highest - self.offset < -rail)

    def _is_clipped(self, frame: Frame, measures: Measures, spread: Array) -> NDArray[np.bool_]:
        """Whether several samples repeat the extreme: in a wave of many steps they do not by chance."""
        is_sharp = spread * spread > _SHARP_RATIO * (measures.power + measures.mains)
        is_large = (spread > _CLIPPED_STEPS * self.step) & ((spread > _CLIPPED_UV) | ~self.has_scale)
        clipped = is_large & is_sharp
        hops, channels = clipped.nonzero()  # few or none: only there the samples are looked at
        clipped[hops, channels] = _count_extremes(frame.samples[:, hops, channels]) >= self.least_repeats[channels]
        return clipped


def _count_extremes(samples: Array) -> NDArray[np.integer[Any]]:
    """Return how many samples repeat the largest or the least value of a hop, (n,), from (hop_samples, n)."""
    at_top = count_true(samples == samples.max(axis=0))
    at_bottom = count_true(samples == samples.min(axis=0))
    repeats: NDArray[np.integer[Any]] = np.maximum(at_top, at_bottom)
    return repeats


def _permanent_bits(stream: StreamDescription) -> int:
    is_coarse = stream.has_scale and stream.lsb_uv > _COARSE_UV
    is_narrow = emg_band_hz(stream.rate_hz)[1] < _NARROW_TOP_HZ
    return is_coarse * QUALITY_BITS[Quality.COARSE_LSB] | is_narrow * QUALITY_BITS[Quality.NARROW_BAND]
