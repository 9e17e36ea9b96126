"""Second-order filter sections: the bilinear transform of the textbook analog ones, prewarped at their corner.

The results equal those of `scipy.signal.butter` and `iirnotch` (formulas: Bristow-Johnson, Audio EQ Cookbook, 1994;
Orfanidis, Introduction to Signal Processing, 1996). SciPy itself is not used since importing `scipy.signal` takes
longer than analysing half an hour of signal, at every start of every command.
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["high_pass", "low_pass", "notch"]

Array = NDArray[np.float64]


def low_pass(order: int, corner_hz: float, rate_hz: float) -> Array:
    """Return a Butterworth low-pass of even order as sections (b0, b1, b2, 1, a1, a2); (order / 2, 6)."""
    return np.array([_design_section(corner_hz, rate_hz, q, sign=-1.0) for q in _butterworth_q(order)])


def high_pass(order: int, corner_hz: float, rate_hz: float) -> Array:
    """Return a Butterworth high-pass of even order as sections (b0, b1, b2, 1, a1, a2); (order / 2, 6)."""
    return np.array([_design_section(corner_hz, rate_hz, q, sign=1.0) for q in _butterworth_q(order)])


def notch(line_hz: float, width_hz: float, rate_hz: float) -> Array:
    """Return a notch with the given width between its 3 dB points as one section; (6,)."""
    gain = 1.0 / (1.0 + math.tan(math.pi * width_hz / rate_hz))
    turn = -2.0 * math.cos(2.0 * math.pi * line_hz / rate_hz)
    return np.array([gain, gain * turn, gain, 1.0, gain * turn, 2.0 * gain - 1.0])


def _butterworth_q(order: int) -> list[float]:
    """Return the quality factor of each pole pair: they lie evenly on a half circle, each with its own damping."""
    return [0.5 / math.sin(math.pi * (2 * pair + 1) / (2 * order)) for pair in range(order // 2)]


def _design_section(corner_hz: float, rate_hz: float, q: float, *, sign: float) -> list[float]:
    """Return a section that passes what is above (sign +1) or below (-1) its corner."""
    w = 2.0 * math.pi * corner_hz / rate_hz
    alpha, cosine = math.sin(w) / (2.0 * q), math.cos(w)
    scale = 1.0 / (1.0 + alpha)
    b = 0.5 * (1.0 + sign * cosine) * scale
    return [b, -2.0 * sign * b, b, 1.0, -2.0 * cosine * scale, (1.0 - alpha) * scale]
