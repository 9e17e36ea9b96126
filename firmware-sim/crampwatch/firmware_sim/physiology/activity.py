"""What an event does to the signal: discharges, disturbances and electrode faults, and what the truth calls them."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["Activity", "Discharges", "Disturbance", "Fault", "Span", "join"]


@dataclass(frozen=True, slots=True)
class Discharges:
    """Discharges of the motor units of one muscle, in order of time.

    Attributes:
        muscle: Index of the muscle.
        time_s: Seconds from the first sample.
        unit: Index of the motor unit.
        stretch: Factor of the duration of the potential: 1 at 33 degC and rested, more when cold or fatigued.
        gain: Factor of the amplitude of the potential.
    """

    muscle: int
    time_s: Floats
    unit: NDArray[np.int64]
    stretch: Floats
    gain: Floats

    def between(self, start_s: float, stop_s: float) -> "Discharges":
        """Return the discharges between two times."""
        part = slice(*np.searchsorted(self.time_s, (start_s, stop_s)).tolist())
        return Discharges(self.muscle, self.time_s[part], self.unit[part], self.stretch[part], self.gain[part])


class Disturbance(Protocol):
    """Something other than muscle that adds to the voltage at the electrodes."""

    @property
    def start_s(self) -> float:
        """Before this it adds nothing."""

    @property
    def stop_s(self) -> float:
        """After this it adds nothing."""

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts at the times `t_s`, shape (times, channels)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch in which a channel carries no muscle signal.

    Attributes:
        channel: None for all channels.
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
        mode: `rail`: the amplifier is driven to its limit; `open`: the electrode picks up nothing but mains hum;
            `missing`: the sensor delivers no samples.
        is_sensed: Whether the contact check of the sensor notices it.
    """

    channel: int | None
    start_s: float
    stop_s: float
    mode: Literal["rail", "open", "missing"]
    is_sensed: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an activity that counts as one event in the ground truth.

    Attributes:
        kind: As a perfect observer would classify it.
        label: The cause in more detail.
        onset_s: Discharges of the activity belong to the event from here on.
        offset_s: And up to here.
        is_bounded_by_discharges: Whether onset and offset are those of the first and last visible discharge; otherwise
            they are as given here, as for a gross movement, in which the skin moves first.
    """

    kind: EpisodeKind
    label: str
    onset_s: float
    offset_s: float
    is_bounded_by_discharges: bool = True


@dataclass(frozen=True, slots=True)
class Activity:
    """Everything that one event does."""

    discharges: tuple[Discharges, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()
    faults: tuple[Fault, ...] = ()
    spans: tuple[Span, ...] = ()


def join(*activities: Activity) -> Activity:
    """Combine several activities into one."""
    return Activity(
        tuple(item for activity in activities for item in activity.discharges),
        tuple(item for activity in activities for item in activity.disturbances),
        tuple(item for activity in activities for item in activity.faults),
        tuple(item for activity in activities for item in activity.spans),
    )
