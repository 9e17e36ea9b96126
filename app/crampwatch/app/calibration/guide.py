"""Guides a wearer through the phases of a calibration. Pure: the sensor's samples are the clock.

The phases follow each other in the order of `Phase`. Each starts with a few seconds to read the instruction, which are
not measured, and lasts the same number of samples whatever the radio does: samples that are fetched late do not shift
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment, SensorPlacement
from crampwatch.detector.calibration.calibration import Calibration, CalibrationRefusedError, Phase
from crampwatch.detector.service.stream_analysis import microvolts, stream_description
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.messages import SensorInfo
from numpy.typing import NDArray

__all__ = ["INSTRUCTIONS", "Guide", "GuideStep"]

INSTRUCTIONS: Final = {
    Phase.REST: "Lie still and relax your foot.",
    Phase.CURL: "Curl your toes for three seconds as hard as you can without pain, relax, and repeat until time is up.",
    Phase.ANKLE: "Move your ankle slowly up, down and around.",
}
READY_S: Final = 4.0
"""Time to read the instruction before each phase."""


@dataclass(frozen=True, slots=True)
class GuideStep:
    """The present position within a calibration.

    Attributes:
        phase: The phase that is measured or announced.
        ready_in_s: Seconds until its measurement starts; 0 while it lasts.
        left_s: Seconds of its measurement that are left.
        level: Root mean square of each channel now; NaN where unknown.
    """

    phase: Phase
    ready_in_s: float
    left_s: float
    level: NDArray[np.float64]


class Guide:
    """One calibration in progress.

    Args:
        info: The sensor's introduction.
        first: Its first block, at which the first phase starts; it must still be pushed.
        phase_s: Length of each phase, without the time to read.
    """

    def __init__(self, info: SensorInfo, first: SampleBlock, *, phase_s: float = 20.0) -> None:
        self._info, self._first = info, first
        stream = next(row for row in info.streams if row.stream == first.stream)
        self._builder = CalibrationBuilder(stream_description(stream))
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

    def push(self, block: SampleBlock) -> GuideStep | None:
        """Add a block and return the present step; None when all phases are over.

        Raises:
            CalibrationRefusedError: The sensor restarted meanwhile, and its sample index with it.
        """
        if block.boot_id != self._first.boot_id:
            raise CalibrationRefusedError(
                "The sensor restarted during the calibration.", advice="Start the calibration again."
            )
        self._builder.push(block.first_index, microvolts(block))
        rate_hz = self._builder.stream.rate_hz
        self._last_ns = block.first_utc_ns + round(len(block.counts) / rate_hz * 1e9)
        now = self._builder.next_index
        for phase, start, stop in self.segments:
            if now < stop:
                ready_in_s = max(0, start - now) / rate_hz
                return GuideStep(phase, ready_in_s, (stop - now) / rate_hz - ready_in_s, self._builder.level())
        return None

    def make(self) -> Calibration:
        """Return the calibration; all phases must be over.

        Raises:
            CalibrationRefusedError: It would mislead the detector; the message says why.
        """
        place = self._info.placement
        placement = SensorPlacement(self._info.sensor, place.side, place.muscle, self._first.boot_id)
        return self._builder.build(self.segments, placement=placement, made_ns=self._last_ns)
