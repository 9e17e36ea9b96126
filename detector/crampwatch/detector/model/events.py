"""What the detector reports: features on a regular grid, episodes in revisions, changes of state."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from crampwatch.detector.model.episode import Episode
from crampwatch.protocol.kinds import Quality
from numpy.typing import NDArray

__all__ = [
    "QUALITY_BITS",
    "Event",
    "Features",
    "SignalState",
    "StateChange",
    "quality_set",
]

QUALITY_BITS: dict[Quality, int] = {quality: 1 << place for place, quality in enumerate(Quality)}
"""The bit of `Features.quality` for each reason not to trust a signal."""


def quality_set(bits: int) -> frozenset[Quality]:
    """Return the reasons a quality bitmask stands for; empty for a good signal.

    >>> sorted(quality_set(QUALITY_BITS[Quality.MAINS]))
    [<Quality.MAINS: 'mains'>]
    """
    return frozenset(quality for quality, bit in QUALITY_BITS.items() if bits & bit)


class SignalState(StrEnum):
    """What the sensor sees at present."""

    REST = "rest"
    ACTIVE = "active"
    CRAMP = "cramp"
    POOR_SIGNAL = "poor_signal"
    OFF_BODY = "off_body"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of consecutive steps; step `i` covers `step_samples` samples from `first_index + i * step_samples`.

    Attributes:
        first_index: Sample index of the first step; a multiple of `step_samples`.
        step_samples: Samples in a step (about 0.1 s).
        rms: Root mean square of the EMG band, uV (counts where the scale is unknown), NaN where missing; (m, channels).
        envelope: Root mean square over the last 0.3 s, same unit; (m, channels).
        floor: Root mean square of the resting signal, same unit, NaN before it is known; (m, channels).
        threshold: Root mean square at which activity begins, same unit; (m, channels).
        median_hz: Median frequency of the EMG band, Hz; NaN where missing; (m, channels).
        quality: Bits of `QUALITY_BITS`; 0 where the signal is good; uint16 (m, channels).
    """

    first_index: int
    step_samples: int
    rms: NDArray[np.float64]
    envelope: NDArray[np.float64]
    floor: NDArray[np.float64]
    threshold: NDArray[np.float64]
    median_hz: NDArray[np.float64]
    quality: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class StateChange:
    """From this sample index on, the sensor is in another state."""

    index: int
    state: SignalState


Event = Features | Episode | StateChange
