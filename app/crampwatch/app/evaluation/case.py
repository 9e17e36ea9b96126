"""The interface of a case: a signal whose true events are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.recordings import Recording
from crampwatch.recordings.truth import TruthEvent

__all__ = ["Case", "OpenedCase"]


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """A case that was opened.

    Attributes:
        recording: The signal.
        events: The true events, by onset.
        calibration: Personal calibration of the wearer, if there is one.
    """

    recording: Recording
    events: Sequence[TruthEvent]
    calibration: Calibration | None = None


class Case(Protocol):
    """A signal with known true events. Cases are sent to other processes, so they hold no samples until opened."""

    @property
    def name(self) -> str:
        """Name for reports."""

    @property
    def simulated(self) -> bool:
        """Whether the signal is simulated."""

    def open(self) -> OpenedCase:
        """Open the recording and read its truth.

        Raises:
            CrampwatchError: The recording or its truth cannot be read.
        """
