"""What a generator of events hands over: discharges, disturbances, electrode faults, and what to call them."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.chance import Floats
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["Activity", "Discharges", "Disturbance", "Fault", "Span", "join"]


@dataclass(frozen=True, slots=True)
class Discharges:
    """Discharges of the motor units of one muscle, in order of time.

    Attributes:
        muscle: Index of the muscle.
        time_s: When, seconds from the first sample.
        unit: Index of the motor unit.
        stretch: Factor of the potential's duration: 1 at 33 degC and rested, above when cold or tired.
        gain: Factor of its amplitude.
    """

    muscle: int
    time_s: Floats
    unit: NDArray[np.int64]
    stretch: Floats
    gain: Floats

    def between(self, start_s: float, stop_s: float) -> "Discharges":
        """Return the discharges of a stretch of time."""
        part = slice(*np.searchsorted(self.time_s, (start_s, stop_s)).tolist())
        return Discharges(self.muscle, self.time_s[part], self.unit[part], self.stretch[part], self.gain[part])


class Disturbance(Protocol):
    """Something that adds to the voltage at the electrodes and is not muscle."""

    @property
    def start_s(self) -> float:
        """When it starts; zero before."""

    @property
    def stop_s(self) -> float:
        """When it has ended; zero after."""

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts at the times `t_s`, shape (times, channels)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch in which a channel carries no muscle signal.

    Attributes:
        channel: Index of the channel; None for all.
        start_s: When it starts.
        stop_s: When it ends.
        mode: `rail`: the amplifier is driven to its limit; `open`: the electrode picks up mains only;
            `missing`: the sensor delivers nothing.
        sensed: Whether the sensor's own contact check notices.
    """

    channel: int | None
    start_s: float
    stop_s: float
    mode: Literal["rail", "open", "missing"]
    sensed: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an activity that counts as one event.

    Attributes:
        kind: What a perfect observer would call it.
        label: The finer cause.
        onset_s: All discharges of the activity from here on belong to it.
        offset_s: Up to here.
        by_discharges: Whether it begins and ends with its first and last visible discharge; else as said here, as
            a gross movement does that begins with the skin.
    """

    kind: EpisodeKind
    label: str
    onset_s: float
    offset_s: float
    by_discharges: bool = True


@dataclass(frozen=True, slots=True)
class Activity:
    """All that one performance of a generator does."""

    discharges: tuple[Discharges, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()
    faults: tuple[Fault, ...] = ()
    spans: tuple[Span, ...] = ()


def join(*activities: Activity) -> Activity:
    """Return activities as one."""
    return Activity(
        tuple(item for activity in activities for item in activity.discharges),
        tuple(item for activity in activities for item in activity.disturbances),
        tuple(item for activity in activities for item in activity.faults),
        tuple(item for activity in activities for item in activity.spans),
    )
