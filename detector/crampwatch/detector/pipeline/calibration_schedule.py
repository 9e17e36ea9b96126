"""Which calibration applies at which sample index.

A live run receives a calibration some time after it was made; the analysis of the whole recording has it from the
start. Both must switch at the same sample, or they would disagree about the same night. So each calibration says from
which index it is valid, and the switch happens at the first slot that starts at or after that index.
"""

from dataclasses import dataclass

from crampwatch.detector.calibration.calibration import Calibration

__all__ = ["CalibrationSchedule", "CalibrationState"]


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """What has to be carried over to another process.

    Attributes:
        current: The one that applies now; None without one.
        due: Those that apply from a later sample on, the earliest first.
    """

    current: Calibration | None
    due: tuple[Calibration, ...]


@dataclass(slots=True)
class CalibrationSchedule:
    """The calibration that applies now, and those that will."""

    current: Calibration | None = None
    due: tuple[Calibration, ...] = ()

    def state(self) -> CalibrationState:
        """Return what has to be carried over to another process."""
        return CalibrationState(self.current, self.due)

    def restore(self, state: CalibrationState) -> None:
        """Continue from what `state` returned."""
        self.current, self.due = state.current, state.due

    def add(self, calibration: Calibration) -> None:
        """Let a calibration apply from its `valid_from_index` on; one that was added before is ignored."""
        if calibration not in (self.current, *self.due):
            self.due = tuple(sorted((*self.due, calibration), key=lambda one: one.valid_from_index))

    def advance(self, index: int) -> Calibration | None:
        """Switch to the latest calibration that is valid at `index`; return it, or None where nothing changes."""
        valid = [one for one in self.due if one.valid_from_index <= index]
        if not valid:
            return None
        self.current = valid[-1]
        self.due = tuple(one for one in self.due if one not in valid)
        return self.current
