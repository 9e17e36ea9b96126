"""How strong a signal is in each band: half a second at a time, for drawing (pure)."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGES_HZ", "WINDOWS", "band_name", "band_rms"]

EDGES_HZ: Final = (20, 30, 40, 55, 75, 100, 130, 170, 220, 290, 380, 500)
"""A third more from edge to edge, from where movement of the cable ends to where surface EMG does."""
WINDOWS: Final = 2
"""Of a second: half a second resolves 2 Hz, and a muscle tires over seconds."""


def band_name(lower_hz: int) -> str:
    """Return the name of the band that begins at an edge, in the order of frequency when sorted.

    >>> band_name(20)
    'hz_020'
    """
    return f"hz_{lower_hz:03d}"


def band_rms(samples: NDArray[np.float64], rate_hz: float) -> dict[str, float]:
    """Return the RMS of each band; bands beyond half the rate are left out.

    Args:
        samples: One channel, shape (n,), all known.
        rate_hz: Samples a second.

    >>> tone = 10 * np.sin(2 * np.pi * 60 * np.arange(500) / 1000)
    >>> round(band_rms(tone, 1000.0)["hz_055"], 1)
    7.1
    """
    window = np.hanning(len(samples))
    power = np.abs(np.fft.rfft((samples - samples.mean()) * window)) ** 2
    power *= 2.0 / (len(samples) * np.sum(window**2))
    hz = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    return {
        band_name(lower): float(np.sqrt(power[(hz >= lower) & (hz < upper)].sum()))
        for lower, upper in pairwise(EDGES_HZ)
        if upper <= rate_hz / 2
    }
