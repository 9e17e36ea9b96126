"""The detector's envelope, floor and threshold of the last five minutes, resampled to the page's grid."""

from typing import Final

import numpy as np
from crampwatch.protocol.messages import Features
from crampwatch.web.live.ring import Floats, Ring
from crampwatch.web.live.waveform import COARSE_STEP_NS

__all__ = ["FIELDS", "FeatureHistory"]

FIELDS: Final = ("envelope", "floor", "threshold")
_STEPS: Final = 300 * 10
"""Five minutes of 100 ms steps: as long as the longest window of the live view."""


class FeatureHistory:
    """One sensor's features.

    Args:
        channels: Number of channels the detector reports on.
    """

    def __init__(self, *, channels: int) -> None:
        self.ring = Ring(step_ns=COARSE_STEP_NS, capacity=_STEPS, channels=channels, fields=len(FIELDS))

    def add(self, features: Features) -> None:
        """Add a batch; each value holds until the next one.

        A batch older than the ring means that time went far back (a replay restarted): the ring then starts over.
        """
        table = _feature_table(features)
        if not len(table):
            return
        step_ns, grid_ns = features.step_s * 1e9, self.ring.step_ns
        first = features.t_ns // grid_ns
        last = (features.t_ns + round(len(table) * step_ns) - 1) // grid_ns
        steps = np.arange(max(first, last + 1 - _STEPS), last + 1)
        # The value that holds at the end of each grid step.
        rows = ((steps + 1) * grid_ns - 1 - features.t_ns) // step_ns
        if self.ring.has_dropped(int(steps[0])):
            self.ring.clear()
        self.ring.write(int(steps[0]), table[np.clip(rows, 0, len(table) - 1).astype(np.int64)])


def _feature_table(features: Features) -> Floats:
    """Return values of shape (steps, channels, fields); NaN where there was no signal."""
    count = min((len(channel.envelope) for channel in features.channels), default=0)
    table = np.full((count, len(features.channels), len(FIELDS)), np.nan, np.float32)
    for channel, values in enumerate(features.channels):
        for field, name in enumerate(FIELDS):
            series = np.array(getattr(values, name)[:count], np.float64)
            table[: len(series), channel, field] = series
    return table
