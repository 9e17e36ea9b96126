"""Many streams side by side: filtered, measured and judged for quality as one, which lets one core watch a ward."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from crampwatch.detector.signal.filters import FrontEnd
from crampwatch.detector.signal.grid import Frame, Grid
from crampwatch.detector.signal.measures import Measurer, Measures, measure
from crampwatch.detector.signal.quality import QualityGate
from numpy.typing import NDArray

__all__ = ["Measured", "Unmeasured", "measure_together"]

_MOST = 64
"""Streams filtered in one go; more do not fit the processor's cache."""


class Unmeasured(NamedTuple):
    """Hops of one stream, with what measures and judges them."""

    measurer: Measurer
    gate: QualityGate
    frame: Frame


class Measured(NamedTuple):
    """The measures of those hops, and their quality bits; (hops, channels)."""

    measures: Measures
    bits: NDArray[np.uint16]


def measure_together(work: Sequence[Unmeasured]) -> list[Measured]:
    """Measure one frame each of many streams; those alike and without a gap are stacked.

    Args:
        work: Each stream at most once, with what follows of it.
    """
    measured: dict[int, Measured] = {}
    alike: defaultdict[tuple[Grid, int], list[int]] = defaultdict(list)
    for place, item in enumerate(work):
        if item.frame.valid is None and item.measurer.is_settled():
            alike[item.measurer.grid, len(item.frame.lowest)].append(place)
        else:
            measured[place] = _alone(item)
    for places in alike.values():
        for first in range(0, len(places), _MOST):
            part = places[first : first + _MOST]
            measured.update(zip(part, _stacked([work[place] for place in part]), strict=True))
    return [measured[place] for place in range(len(work))]


def _alone(item: Unmeasured) -> Measured:
    measures = item.measurer.measure(item.frame)
    return Measured(measures, item.gate.bits(item.frame, measures))


def _stacked(work: Sequence[Unmeasured]) -> list[Measured]:
    """Measure streams of one grid, as many whole hops of each."""
    if len(work) == 1:
        return [_alone(work[0])]
    borders = np.cumsum([0, *(item.measurer.channels for item in work)]).tolist()
    grid, frame = work[0].measurer.grid, _beside([item.frame for item in work])
    front = FrontEnd(grid.rate_hz, borders[-1], np.concatenate([item.measurer.front.registers for item in work]))
    measures = measure(grid, frame, front.run(frame.samples), None)
    bits = QualityGate.beside([item.gate for item in work]).bits(frame, measures)
    measured = []
    for item, first, last in zip(work, borders[:-1], borders[1:], strict=True):
        item.measurer.front.registers = front.registers[first:last].copy()
        measured.append(Measured(measures.of_channels(first, last), bits[:, first:last]))
    return measured


def _beside(frames: Sequence[Frame]) -> Frame:
    return Frame(
        frames[0].first_hop,
        np.concatenate([frame.samples for frame in frames], axis=2),
        None,
        np.concatenate([frame.lowest for frame in frames], axis=1),
        np.concatenate([frame.highest for frame in frames], axis=1),
    )
