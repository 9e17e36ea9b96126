"""Something to evaluate the detector on: a signal, and what really happened in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.recordings import Recording
from crampwatch.recordings.truth import TruthEvent

__all__ = ["Case", "Opened"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A case, ready to be read.

    Attributes:
        recording: The signal.
        events: What happened in it, by onset.
        calibration: What is known of the wearer; None where nothing is.
    """

    recording: Recording
    events: Sequence[TruthEvent]
    calibration: Calibration | None = None


class Case(Protocol):
    """A case; it travels between processes, so it holds no signal."""

    @property
    def name(self) -> str:
        """What a report calls it."""

    @property
    def simulated(self) -> bool:
        """Whether its signal was simulated."""

    def open(self) -> Opened:
        """Open it.

        Raises:
            CrampwatchError: It cannot be.
        """
