"""Walks a wearer through a calibration by the sensor's own samples: what to do, how long, what is seen (no I/O)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.detector.calibration.builder import CalibrationMaker, Segment, Wearing
from crampwatch.detector.calibration.calibration import Calibration, CalibrationRefusedError, Phase
from crampwatch.detector.service.stream_analysis import microvolts, stream_description
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.messages import SensorInfo
from numpy.typing import NDArray

__all__ = ["INSTRUCTIONS", "Guide", "Moment"]

INSTRUCTIONS: Final = {
    Phase.REST: "Lie still and let the foot hang loose.",
    Phase.CURL: "Curl the toes as hard as you can without pain, three seconds; let go; and again, until told to stop.",
    Phase.ANKLE: "Move the ankle slowly up, down and around.",
}
READY_S: Final = 4.0
"""Time to read before each phase."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where one is.

    Attributes:
        phase: The present phase, or the next.
        ready_in_s: Seconds until it begins; 0 while it lasts.
        left_s: Seconds it still lasts.
        level: Root mean square of each channel now; NaN where unknown.
    """

    phase: Phase
    ready_in_s: float
    left_s: float
    level: NDArray[np.float64]


class Guide:
    """One calibration.

    Args:
        info: The sensor, as it introduced itself.
        first: Its first block; it is not taken yet.
        phase_s: Length of each phase.
    """

    def __init__(self, info: SensorInfo, first: SampleBlock, *, phase_s: float = 20.0) -> None:
        self._info, self._first = info, first
        stream = next(row for row in info.streams if row.stream == first.stream)
        self._maker = CalibrationMaker(stream_description(stream))
        self._last_ns = first.first_utc_ns
        rate_hz = stream.rate_hz
        step = READY_S + phase_s
        self.segments: Sequence[Segment] = tuple(
            Segment(
                phase,
                first.first_index + round((place * step + READY_S) * rate_hz),
                first.first_index + round((place + 1) * step * rate_hz),
            )
            for place, phase in enumerate(Phase)
        )

    def take(self, block: SampleBlock) -> Moment | None:
        """Take a block; return where one is, None when all is done.

        Raises:
            CalibrationRefusedError: The sensor began anew in between.
        """
        if block.boot_id != self._first.boot_id:
            raise CalibrationRefusedError("The sensor started anew in between.", advice="Begin again.")
        self._maker.push(block.first_index, microvolts(block))
        rate_hz = self._maker.stream.rate_hz
        self._last_ns = block.first_utc_ns + round(len(block.counts) / rate_hz * 1e9)
        now = self._maker.next_index
        for phase, start, stop in self.segments:
            if now < stop:
                ready_in_s = max(0, start - now) / rate_hz
                return Moment(phase, ready_in_s, (stop - now) / rate_hz - ready_in_s, self._maker.level())
        return None

    def make(self) -> Calibration:
        """Return the calibration.

        Raises:
            CalibrationRefusedError: It would mislead.
        """
        place = self._info.placement
        wearing = Wearing(self._info.sensor, place.side, place.muscle, self._first.boot_id)
        return self._maker.make(self.segments, wearing=wearing, made_ns=self._last_ns)
