"""How long a contraction takes to end: from its last moment at full strength to its last activity.

Measured like the rise, at 70 % of the plateau's amplitude, so that neither noise on the plateau nor the last few units
of its tail decide. The envelope is smoothed over 0.2 s, some three discharges of a unit: less, and a gap between
discharges looks like the end; more, and a contraction that is let go at once seems to ebb away.
"""

import math

import numpy as np
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.nan import filled

__all__ = ["release_s"]

_PLATEAU_QUANTILE = 0.8
_STRONG = 0.7  # amplitude as a share of the plateau, as the rise is measured
_SMOOTH_S = 0.2


def release_s(history: History, grid: Grid, *, onset_bin: int, end_bin: int, channel: int) -> float:
    """Return the time from the last moment at 70 % of the plateau's amplitude to the last activity; NaN if too short.

    The contraction goes from `onset_bin` to before `end_bin`, counted since sample index 0, and is strongest on
    `channel`. Its plateau is that of what the history still holds, some 20 s.
    """
    base = history.first_hop * BINS_PER_HOP
    power = filled(history.measures.bin_power[max(0, onset_bin - base) : max(1, end_bin - base), channel])
    known = history.floor[:, channel][np.isfinite(history.floor[:, channel])]
    amplitude = np.sqrt(np.maximum(power - (known[-1] if len(known) else 0.0), 0.0))
    width = max(1, round(_SMOOTH_S / grid.bin_s))
    if len(amplitude) < width:
        return math.nan
    smooth = np.convolve(amplitude, np.full(width, 1.0 / width), "same")
    plateau = np.sort(smooth)[int(_PLATEAU_QUANTILE * (len(smooth) - 1))]
    strong = np.flatnonzero(smooth >= _STRONG * plateau)
    return float(len(smooth) - 1 - strong[-1]) * grid.bin_s
