"""How finely a signal was digitised, told by its values where the file does not say."""

import numpy as np
from crampwatch.recordings.recording import Samples

__all__ = ["FINEST_STEP_UV", "value_step"]

FINEST_STEP_UV = 0.01
"""Finer than any surface EMG front end; 24 bits of it still reach 84 mV, more than any electrode offset left in EMG."""
_MOST_VALUES = 20_000
"""Twenty seconds at 1 kHz show the steps of a converter."""
_LARGEST_VALUE = 1e12
_FEWEST_STEPS = 4
"""Fewer distinct values fit any step."""
_TOLERANCE = 0.15
"""Part of a step by which values may be off: 0.75 uV steps are found in millivolts printed to four decimals."""


def value_step(samples: Samples, *, finest: float) -> float:
    """Return the step that all values are multiples of, up to an offset; `finest` where they show none.

    Args:
        samples: Shape (n, channels); NaN is ignored.
        finest: Smallest step worth telling.

    >>> value_step(np.array([[0.0], [1.5], [-3.0], [0.75], [6.0]]), finest=0.01)
    0.75
    """
    steps = [_channel_step(samples[:_MOST_VALUES, channel], finest) for channel in range(samples.shape[1])]
    return max(steps, default=finest)


def _channel_step(values: Samples, finest: float) -> float:
    distinct = np.unique(values[np.abs(values) < _LARGEST_VALUE])
    differences = np.diff(distinct)
    differences = differences[differences > finest / 2]
    if len(differences) < _FEWEST_STEPS:
        return finest
    # Printed decimals blur the smallest difference, so the step is fitted to the whole span.
    smallest = float(np.mean(differences[differences < 1.5 * np.min(differences)]))
    multiples = np.cumsum(np.rint(differences / smallest))
    positions = np.cumsum(differences)
    step = float(positions[-1] / multiples[-1])
    is_regular = np.max(np.abs(positions - multiples * step)) <= _TOLERANCE * step
    return step if is_regular and step > finest else finest
