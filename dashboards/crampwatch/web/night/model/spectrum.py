"""How an episode's frequencies change over time: small pictures for a person, not measurements."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spectrum", "compute_spectrum"]

_WINDOW_S: Final = 0.256
"""Resolves 4 Hz: a muscle's firing shows as a band, a hum as a line."""
_MOST_COLUMNS: Final = 400
_MOST_ROWS: Final = 96
_RANGE_DB: Final = 50.0
"""From the strongest cell downwards; electrode noise lies 30 to 45 dB below a strong contraction."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Power over time and frequency.

    Attributes:
        lead_s: From the first sample to the first column: each stands at the middle of its window.
        step_s: From column to column.
        top_hz: Upper edge of the highest row; the lowest begins at 0.
        strongest_db: Of 255, against 1 uV^2/Hz (or counts).
        range_db: What 1 to 255 span.
        cells: uint8, shape (columns, rows), lowest frequency first; 0 where there was no signal.
    """

    lead_s: float
    step_s: float
    top_hz: float
    strongest_db: float
    range_db: float
    cells: NDArray[np.uint8]


def compute_spectrum(values: NDArray[np.float64], rate_hz: float) -> Spectrum:
    """Return the spectrum over time of one channel, shape (samples,); NaN where a sample is missing."""
    width = max(16, 1 << round(np.log2(_WINDOW_S * rate_hz)))
    step = max(width // 8, -(-len(values) // _MOST_COLUMNS))
    begins = np.arange(0, max(1, len(values) - width + 1), step)
    padded = np.concatenate([values, np.full(max(0, width - len(values)), np.nan)])
    pieces = padded[begins[:, None] + np.arange(width)]
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    taper = np.hanning(width)
    power = np.abs(np.fft.rfft(pieces * taper, axis=1)) ** 2 / (rate_hz * (taper**2).sum())
    rows = _rows(power[:, 1:])
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(rows)
    known = level_db[np.isfinite(level_db)]
    strongest_db = float(known.max()) if len(known) else 0.0
    share = 1 + (level_db - strongest_db + _RANGE_DB) / _RANGE_DB * 254
    cells = np.where(np.isnan(rows), 0, np.clip(share, 1, 255)).astype(np.uint8)
    return Spectrum((width - step) / 2 / rate_hz, step / rate_hz, rate_hz / 2, strongest_db, _RANGE_DB, cells)


def _rows(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join frequencies to as many rows as a picture needs."""
    joined = -(-power.shape[1] // _MOST_ROWS)
    begins = np.arange(0, power.shape[1], joined)
    return np.asarray(np.maximum.reduceat(power, begins, axis=1), np.float64)
