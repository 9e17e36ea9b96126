"""Periodicity of an envelope: rhythmic foot movement at 0.3-4 Hz, tremor at 4-12 Hz.

The period is the first high peak of the autocorrelation of the envelope's logarithm. The logarithm makes beats of
unequal strength count alike, and the floor its lower end. The first of several high peaks is taken, since a rhythm is
also similar to itself after two and three periods.

Strength alone does not make a rhythm: any slow wave of a contraction is similar to itself. So `depth` says how far the
envelope falls between beats. An envelope that hardly falls is not searched at all.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_DEPTH", "NO_RHYTHM", "Rhythm", "find_rhythm"]

_LOWEST_HZ = 0.3  # slowest rhythmic foot movement
_HIGHEST_HZ = 12.0  # fastest tremor
_FEWEST_CYCLES = 3  # a lag is compared over twice its length at least
_SHORTEST_S = 1.0  # shorter envelopes hold too few bins for any lag
_NEARLY = 0.85  # of the highest peak: noise makes a later one a little higher than that of the true period
LEAST_DEPTH = 0.6
"""What falls no further between beats does not come and go; deciding so early saves most of the work."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The strongest periodicity of an envelope.

    Attributes:
        hz: Frequency; NaN where there is none, or where the envelope hardly falls between beats.
        strength: Autocorrelation of the envelope one period later, 0 to 1.
        depth: How far the envelope falls between beats: 1 to the resting floor, 0 not at all.
    """

    hz: float
    strength: float
    depth: float


NO_RHYTHM = Rhythm(float("nan"), 0.0, 0.0)


def find_rhythm(bin_power: NDArray[np.float64], floor: float, bin_s: float) -> Rhythm:
    """Find the strongest periodicity of an envelope given as power in bins of `bin_s` seconds.

    The envelope is the logarithm of the smoothed power over the floor, so that beats of unequal strength count alike.
    """
    if len(bin_power) * bin_s < _SHORTEST_S:
        return NO_RHYTHM
    padded = np.concatenate([bin_power[:1], bin_power, bin_power[-1:]])
    smooth = padded[:-2] + padded[1:-1] + padded[2:]
    envelope = np.log(np.maximum(smooth / (3.0 * floor), 1.0) + 1.0)
    depth = _envelope_depth(envelope)
    if depth <= LEAST_DEPTH:
        return NO_RHYTHM
    shortest = max(2, round(1.0 / (_HIGHEST_HZ * bin_s)))
    longest = min(len(envelope) // _FEWEST_CYCLES, round(1.0 / (_LOWEST_HZ * bin_s)))
    similarity = _autocorrelation(envelope - np.add.reduce(envelope) / len(envelope), longest)
    lag = _first_peak(similarity, shortest)
    if lag is None:
        return NO_RHYTHM
    return Rhythm(1.0 / (lag * bin_s), float(max(similarity[lag], 0.0)), depth)


def _autocorrelation(values: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Return the unbiased autocorrelation up to the longest lag, 1 at lag 0."""
    count = len(values)
    size = 1 << (count + longest).bit_length()  # the transform is periodic, and no lag may reach around its end
    spectrum = np.fft.rfft(values, size)
    product = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: longest + 1]
    product /= np.arange(count, count - longest - 1, -1)
    normal: NDArray[np.float64] = product / max(float(product[0]), 1e-12)
    return normal


def _first_peak(similarity: NDArray[np.float64], shortest: int) -> int | None:
    """Return the lag of the first peak that is nearly as high as the highest one."""
    inner = similarity[shortest:]
    if len(inner) < 3:
        return None
    peaks = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] >= inner[2:])) + 1
    if not len(peaks):
        return None
    high = peaks[inner[peaks] >= _NEARLY * inner[peaks].max()]
    return int((high[0] if len(high) else peaks[0]) + shortest)


def _envelope_depth(envelope: NDArray[np.float64]) -> float:
    """Return how far the valleys fall below the crests; an envelope at the floor has the value log 2."""
    ordered = np.sort(envelope)
    valley, crest = ordered[len(ordered) // 10], ordered[(len(ordered) * 9) // 10]
    depth = float(crest - valley) / max(float(crest) - math.log(2.0), 1e-9)
    return min(max(depth, 0.0), 1.0)
