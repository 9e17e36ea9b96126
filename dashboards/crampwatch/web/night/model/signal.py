"""One sensor's EMG from one power-up (boot) to the next: what to draw, where its samples are, when they were taken.

A sensor counts its samples from each boot; that index is the signal's axis. Times are attached to it afterwards: the
sensor's clock is fitted over the whole recording, and the fit is stored as a few knots between which time is linear.
So an index maps to UTC and back without the clock, and a cached signal needs neither the clock nor the ticks.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from crampwatch.web.live.ring import Floats
from crampwatch.web.night.model.pyramid import Pyramid
from numpy.typing import NDArray

__all__ = ["FRAME_COLUMNS", "BootSignal", "Knots", "Row"]

FRAME_COLUMNS: Final = 5
"""Columns of the frame table: first sample, number of samples, samples to skip within the frame, sequence number of its
record, clock ticks of the first sample."""
_LEAD_S: Final = 1800.0
"""Room before the first sample drawn: a sensor may hand over what its own memory held before the first live sample."""
_FRAMES_PER_KNOT: Final = 180
"""Ten seconds: far less than the half hour over which a clock is fitted, so lines in between are exact enough."""
Row = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """When samples were taken: exact at some samples, linear between them, at the nominal rate beyond them.

    Attributes:
        index: Indices of the samples, int64, ascending.
        utc_ns: When they were taken, int64, ascending.
        rate_hz: Nominal sampling rate.
    """

    index: NDArray[np.int64]
    utc_ns: NDArray[np.int64]
    rate_hz: float

    def utc_of(self, index: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Return when samples were taken."""
        places = np.asarray(index, np.int64)
        base_ns = int(self.utc_ns[0])
        inner = np.interp(places, self.index, (self.utc_ns - base_ns).astype(np.float64))
        outside = places - np.clip(places, self.index[0], self.index[-1])
        return np.asarray(np.rint(inner + outside / self.rate_hz * 1e9), np.int64) + base_ns

    def index_at(self, utc_ns: int) -> int:
        """Return the index of the first sample at or after a time."""
        since_ns = (self.utc_ns - self.utc_ns[0]).astype(np.float64)
        at_ns = float(utc_ns - int(self.utc_ns[0]))
        inner = float(np.interp(at_ns, since_ns, self.index.astype(np.float64)))
        outside_ns = at_ns - min(max(at_ns, 0.0), float(since_ns[-1]))
        return int(np.ceil(inner + outside_ns * self.rate_hz / 1e9 - 1e-6))


@dataclass(slots=True, eq=False)
class BootSignal:
    """The EMG of one boot of a sensor.

    Attributes:
        sensor: Id of the sensor.
        stream: Number of the EMG stream.
        sample_bytes: Bytes a sample takes in a frame, 2 or 3.
        unit: ``uV``, or ``relative`` if the scale is unknown.
        labels: Labels of the channels; may be empty.
        pyramid: Extremes of the drift-free samples, in `unit`.
        origin_index: Index of the pyramid's sample 0; -1 before the first sample.
        frames: Where the samples are in the recording: rows of `FRAME_COLUMNS` numbers, in order of arrival.
        gains: Index from which a gain applies, and how many units one count is; ascending.
        knots: When samples were taken; None until the sensor's clock is known.
    """

    sensor: str
    boot_id: int
    stream: int
    channels: int
    rate_hz: float
    sample_bytes: int
    unit: str
    labels: tuple[str, ...]
    pyramid: Pyramid
    origin_index: int = -1
    frames: "array[int]" = field(default_factory=lambda: array("q"))
    gains: list[tuple[int, float]] = field(default_factory=list)
    knots: Knots | None = None
    _covered: tuple[int, NDArray[np.int64]] | None = None
    _ordered: tuple[int, NDArray[np.int64]] | None = None

    def add_samples(self, first: int, values: Floats) -> None:
        """Add consecutive drift-free samples to the pyramid, shape (samples, channels)."""
        if self.origin_index < 0:
            self.origin_index = max(0, first - round(_LEAD_S * self.rate_hz))
        skipped = max(0, self.origin_index - first)
        self.pyramid.add_samples(first + skipped - self.origin_index, values[skipped:])

    def record_gain(self, index: int, units: float) -> None:
        """Record that a count is ``units`` from sample ``index`` on."""
        if not self.gains or self.gains[-1][1] != units:
            self.gains.append((index, units))

    def gain_at(self, index: int) -> float:
        """Return how many units a count of a sample is."""
        return self.gains[max(0, bisect_right(self.gains, index, key=lambda gain: gain[0]) - 1)][1]

    def frame_table(self) -> NDArray[np.int64]:
        """Return all frames, shape (frames, `FRAME_COLUMNS`), in order of their first sample."""
        if self._ordered is None or self._ordered[0] != len(self.frames):
            rows = np.frombuffer(self.frames.tobytes(), np.int64).reshape(-1, FRAME_COLUMNS)
            self._ordered = (len(self.frames), rows[np.argsort(rows[:, 0], kind="stable")])
        return self._ordered[1]

    def covered_samples(self) -> NDArray[np.int64]:
        """Return the ranges of indices that have samples, shape (ranges, 2): first index, and one past the last."""
        if self._covered is None or self._covered[0] != len(self.frames):
            self._covered = (len(self.frames), _merge_frames(self.frame_table()))
        return self._covered[1]

    def covered_ns(self) -> NDArray[np.int64]:
        """Return the same ranges in UTC nanoseconds; empty while no time is known."""
        if self.knots is None:
            return np.empty((0, 2), np.int64)
        return self.knots.utc_of(self.covered_samples())

    def fit_times(self, utc_of_ticks: Callable[[int], int]) -> None:
        """Set the knots from the sensor's clock: at the ends of each range without a gap, and every ten seconds."""
        rows = self.frame_table()
        if not len(rows):
            return
        is_start = np.concatenate([[True], rows[1:, 0] > rows[:-1, 0] + rows[:-1, 1]])
        is_end = np.append(is_start[1:], True)
        is_knot = is_start | is_end | (np.arange(len(rows)) % _FRAMES_PER_KNOT == 0)
        knots = rows[is_knot]
        utc_ns = np.maximum.accumulate(np.array([utc_of_ticks(int(one)) for one in knots[:, 4]], np.int64))
        self.knots = Knots(knots[:, 0], utc_ns, self.rate_hz)


def _merge_frames(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge frames that follow each other or overlap into ranges of indices."""
    if not len(rows):
        return np.empty((0, 2), np.int64)
    ends = np.maximum.accumulate(rows[:, 0] + rows[:, 1])
    starts = np.concatenate([[0], np.flatnonzero(rows[1:, 0] > ends[:-1]) + 1])
    return np.stack([rows[starts, 0], ends[np.append(starts[1:] - 1, len(rows) - 1)]], axis=1)
