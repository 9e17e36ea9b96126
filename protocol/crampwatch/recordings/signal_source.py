"""Where a simulated sensor takes its samples from."""

from typing import Protocol

import numpy as np
from crampwatch.protocol.stream import StreamDescription
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

__all__ = ["SignalSource"]


class SignalSource(Protocol):
    """A signal that can be read anywhere, in pieces of any size, always with the same samples."""

    @property
    def stream(self) -> StreamDescription:
        """Rate, scale, band and channels of the signal."""

    @property
    def temperature_rate_hz(self) -> float:
        """Skin temperature samples a second; the first at the instant of the first signal sample."""

    @property
    def duration_samples(self) -> int | None:
        """Samples a channel; None where the signal never ends."""

    @property
    def truth(self) -> tuple[TruthEvent, ...]:
        """What happens in the signal, in order of onset; an endless signal tells its first hour."""

    def read(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return samples.

        Args:
            first_index: Index of the first sample, from 0.
            count: Samples a channel; fewer come back only where the signal ends.

        Returns:
            Microvolts, shape (count, channels), not quantised; NaN where the sensor delivers nothing.
        """

    def temperature_c(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return skin temperature in degC, shape (count,), index at `temperature_rate_hz`."""

    def contact(self, t_s: float) -> tuple[bool, ...]:
        """Tell for each channel if its electrodes touch the skin at `t_s` seconds from the first sample."""
