"""Many streams side by side: filtered, measured and checked for quality as one.

With live blocks of a tenth of a second, most of the time of a NumPy call is its overhead, which is the same for one
sensor and for fifty. So streams with the same grid, whose frames have as many hops and no gap, are stacked as channels
of one large stream; the results equal those of each alone but for the rounding of sums. That lets one processor core
watch a ward. The others, few at any time, are processed one by one.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from crampwatch.detector.signal.filters import FilterChain
from crampwatch.detector.signal.grid import Frame, Grid
from crampwatch.detector.signal.measures import Measurer, Measures, measure
from crampwatch.detector.signal.quality import QualityGate
from numpy.typing import NDArray

__all__ = ["MeasuredFrame", "PendingFrame", "measure_together"]

_MOST_STREAMS = 64  # filtered at once; more do not fit the processor's cache


class PendingFrame(NamedTuple):
    """A frame of one stream, with what measures it and checks its quality."""

    measurer: Measurer
    gate: QualityGate
    frame: Frame


class MeasuredFrame(NamedTuple):
    """The measures of a frame's hops, and their quality bits; (hops, channels)."""

    measures: Measures
    bits: NDArray[np.uint16]


def measure_together(work: Sequence[PendingFrame]) -> list[MeasuredFrame]:
    """Measure one frame each of many streams, of which each may appear only once."""
    measured: dict[int, MeasuredFrame] = {}
    alike: defaultdict[tuple[Grid, int], list[int]] = defaultdict(list)
    for place, item in enumerate(work):
        if item.frame.valid is None and item.measurer.is_settled():
            alike[item.measurer.grid, len(item.frame.lowest)].append(place)
        else:
            measured[place] = _measure_alone(item)
    for places in alike.values():
        for first in range(0, len(places), _MOST_STREAMS):
            part = places[first : first + _MOST_STREAMS]
            measured.update(zip(part, _measure_stacked([work[place] for place in part]), strict=True))
    return [measured[place] for place in range(len(work))]


def _measure_alone(item: PendingFrame) -> MeasuredFrame:
    measures = item.measurer.measure(item.frame)
    return MeasuredFrame(measures, item.gate.check(item.frame, measures))


def _measure_stacked(work: Sequence[PendingFrame]) -> list[MeasuredFrame]:
    """Measure streams of one grid, as many whole hops of each."""
    if len(work) == 1:
        return [_measure_alone(work[0])]
    borders = np.cumsum([0, *(item.measurer.channels for item in work)]).tolist()
    grid, frame = work[0].measurer.grid, _stack_frames([item.frame for item in work])
    filters = FilterChain(grid.rate_hz, borders[-1], np.concatenate([item.measurer.filters.registers for item in work]))
    measures = measure(grid, frame, filters.run(frame.samples), None)
    bits = QualityGate.stacked([item.gate for item in work]).check(frame, measures)
    measured = []
    for item, first, last in zip(work, borders[:-1], borders[1:], strict=True):
        item.measurer.filters.registers = filters.registers[first:last].copy()
        measured.append(MeasuredFrame(measures.of_channels(first, last), bits[:, first:last]))
    return measured


def _stack_frames(frames: Sequence[Frame]) -> Frame:
    return Frame(
        frames[0].first_hop,
        np.concatenate([frame.samples for frame in frames], axis=2),
        None,
        np.concatenate([frame.lowest for frame in frames], axis=1),
        np.concatenate([frame.highest for frame in frames], axis=1),
    )
