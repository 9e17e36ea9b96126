"""The signal a simulated sensor samples: a scenario, or a recording that is played."""

from typing import Protocol

import numpy as np
from crampwatch.protocol.stream import StreamDescription
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

__all__ = ["SignalSource"]


class SignalSource(Protocol):
    """A signal that can be read from any index, in pieces of any size, and always gives the same samples."""

    @property
    def stream(self) -> StreamDescription:
        """Sampling rate, scale, pass band and channels."""

    @property
    def temperature_rate_hz(self) -> float:
        """Skin temperature values per second; the first belongs to the first signal sample."""

    @property
    def duration_samples(self) -> int | None:
        """Samples per channel; None if the signal never ends."""

    @property
    def truth(self) -> tuple[TruthEvent, ...]:
        """What happens in the signal, in order of onset; of an endless signal, its first hour. Empty if unknown."""

    def read(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return samples from `first_index` on.

        Returns:
            Microvolts, shape (count, channels), not quantised; NaN where the sensor delivers nothing. Shorter than
            `count` only where the signal ends.
        """

    def temperature_c(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return skin temperature in degC, shape (count,); the index counts at `temperature_rate_hz`."""

    def contact(self, t_s: float) -> tuple[bool, ...]:
        """Return for each channel whether its electrodes touch the skin, `t_s` seconds after the first sample."""
