"""Zeros in place of missing powers."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["filled"]


def filled(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a copy with 0 where there is NaN, or less than 0; far quicker than `numpy.nan_to_num`."""
    return np.fmax(powers, 0.0)
