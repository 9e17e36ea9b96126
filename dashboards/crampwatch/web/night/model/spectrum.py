"""A spectrogram of an episode: a small image for a person to look at, not a measurement."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spectrum", "compute_spectrum"]

_WINDOW_S: Final = 0.256
"""Resolves 4 Hz: a muscle's activity shows as a band, mains hum as a line."""
_MAX_COLUMNS: Final = 400
_MAX_ROWS: Final = 96
"""About one pixel a column and two a row on the page; more could not be seen."""
_RANGE_DB: Final = 50.0
"""Range shown below the strongest cell; electrode noise is 30 to 45 dB below a strong contraction."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Power over time and frequency.

    Attributes:
        lead_s: Time from the first sample to the start of the first column, each drawn around its window's middle.
        step_s: Time from column to column.
        top_hz: Upper edge of the highest row; the lowest row starts at 0.
        strongest_db: Level of the value 255, relative to 1 uV^2/Hz (or 1 count^2/Hz).
        range_db: Range of levels from value 1 to 255.
        cells: uint8 of shape (columns, rows), lowest frequency first; 0 where a sample is missing.
    """

    lead_s: float
    step_s: float
    top_hz: float
    strongest_db: float
    range_db: float
    cells: NDArray[np.uint8]


def compute_spectrum(values: NDArray[np.float64], rate_hz: float) -> Spectrum:
    """Return the spectrum over time of one channel's samples, shape (samples,); NaN where a sample is missing."""
    width = max(16, 1 << round(np.log2(_WINDOW_S * rate_hz)))
    step = max(width // 8, -(-len(values) // _MAX_COLUMNS))
    starts = np.arange(0, max(1, len(values) - width + 1), step)
    padded = np.concatenate([values, np.full(max(0, width - len(values)), np.nan)])
    pieces = padded[starts[:, None] + np.arange(width)]
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    taper = np.hanning(width)
    power = np.abs(np.fft.rfft(pieces * taper, axis=1)) ** 2 / (rate_hz * (taper**2).sum())
    rows = _merge_frequencies(power[:, 1:])
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(rows)
    known = level_db[np.isfinite(level_db)]
    strongest_db = float(known.max()) if len(known) else 0.0
    share = 1 + (level_db - strongest_db + _RANGE_DB) / _RANGE_DB * 254
    cells = np.where(np.isnan(rows), 0, np.clip(share, 1, 255)).astype(np.uint8)
    return Spectrum((width - step) / 2 / rate_hz, step / rate_hz, rate_hz / 2, strongest_db, _RANGE_DB, cells)


def _merge_frequencies(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Merge neighbouring frequencies so that at most `_MAX_ROWS` rows remain; each row keeps its strongest."""
    merged = -(-power.shape[1] // _MAX_ROWS)
    starts = np.arange(0, power.shape[1], merged)
    return np.asarray(np.maximum.reduceat(power, starts, axis=1), np.float64)
