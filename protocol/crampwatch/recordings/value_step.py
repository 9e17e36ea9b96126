"""Estimating how finely a signal was digitised, for files that do not state it.

A converter delivers whole counts, so the values of a recording are multiples of one step, up to an offset. The step is
needed to write the signal again without loss (EDF, the wire format) and to judge clipping. Text and NumPy files do not
state it, but their values show it: sorted distinct values of a few thousand samples are multiples of the step apart,
and many neighbours are exactly one step apart.

The smallest difference alone is a poor estimate, since numbers printed with few decimals are rounded. So it only counts
how many steps apart each pair of neighbours is; the step is then fitted to the whole span, where rounding averages out.
If the values do not fit the resulting grid, the signal was filtered or resampled and has no step.
"""

import numpy as np
from crampwatch.recordings.recording import Samples

__all__ = ["FINEST_STEP_UV", "value_step"]

FINEST_STEP_UV = 0.01
"""Finer than any surface EMG front end; 24 bits of it still reach 84 mV, more than any electrode offset left in EMG."""
_EXAMINED_SAMPLES = 20_000
"""Twenty seconds at 1 kHz show the steps of a converter."""
_LARGEST_VALUE = 1e12
"""As in `Recording.chunks`: larger values are no measurement, and their differences would overflow."""
_FEWEST_DIFFERENCES = 4
"""Fewer distinct values fit a grid of almost any step by chance."""
_TOLERANCE = 0.15
"""Part of a step that values may be off the grid: 0.75 uV steps are found in millivolts printed to four decimals."""


def value_step(samples: Samples, *, finest: float) -> float:
    """Return the step that all values are multiples of, up to an offset; `finest` if there is none.

    Args:
        samples: Shape (n, channels); NaN is ignored. Of several channels the coarsest step is returned.
        finest: Lower limit of the result.

    >>> value_step(np.array([[0.0], [1.5], [-3.0], [0.75], [6.0]]), finest=0.01)
    0.75
    """
    steps = [_channel_step(samples[:_EXAMINED_SAMPLES, channel], finest) for channel in range(samples.shape[1])]
    return max(steps, default=finest)


def _channel_step(values: Samples, finest: float) -> float:
    distinct = np.unique(values[np.abs(values) < _LARGEST_VALUE])
    differences = np.diff(distinct)
    differences = differences[differences > finest / 2]
    if len(differences) < _FEWEST_DIFFERENCES:
        return finest
    one_step = float(np.mean(differences[differences < 1.5 * np.min(differences)]))
    multiples = np.cumsum(np.rint(differences / one_step))
    positions = np.cumsum(differences)
    step = float(positions[-1] / multiples[-1])
    is_on_grid = np.max(np.abs(positions - multiples * step)) <= _TOLERANCE * step
    return step if is_on_grid and step > finest else finest
