"""Strength of a signal in each frequency band, half a second at a time, for drawing (pure)."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BAND_EDGES_HZ", "WINDOWS_PER_CHUNK", "band_name", "band_rms"]

BAND_EDGES_HZ: Final = (20, 30, 40, 55, 75, 100, 130, 170, 220, 290, 380, 500)
"""Each edge is about a third above the one before. Surface EMG lies between 20 Hz, below which movement of the cable
dominates, and 500 Hz."""
WINDOWS_PER_CHUNK: Final = 2
"""Half a second resolves 2 Hz, finer than the narrowest band; a muscle tires over seconds, so shorter windows would add
nothing."""


def band_name(lower_hz: int) -> str:
    """Return the name of the band that starts at an edge; names sort in the order of frequency.

    >>> band_name(20)
    'hz_020'
    """
    return f"hz_{lower_hz:03d}"


def band_rms(samples: NDArray[np.float64], rate_hz: float) -> dict[str, float]:
    """Return the RMS in each band, in the unit of the samples; bands above half the rate are left out.

    Args:
        samples: One channel, shape (n,), without NaN.
        rate_hz: Sampling rate.

    >>> tone = 10 * np.sin(2 * np.pi * 60 * np.arange(500) / 1000)
    >>> round(band_rms(tone, 1000.0)["hz_055"], 1)
    7.1
    """
    # A Hann window keeps a strong line (mains) out of the neighbouring bands; dividing by its own power keeps the RMS.
    window = np.hanning(len(samples))
    power = np.abs(np.fft.rfft((samples - samples.mean()) * window)) ** 2
    power *= 2.0 / (len(samples) * np.sum(window**2))
    hz = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    return {
        band_name(lower): float(np.sqrt(power[(hz >= lower) & (hz < upper)].sum()))
        for lower, upper in pairwise(BAND_EDGES_HZ)
        if upper <= rate_hz / 2
    }
