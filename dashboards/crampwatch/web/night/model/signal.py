"""One sensor's EMG from one power-up to the next, as a night is looked at: where its samples are, when, how large."""

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
"""Of the table of frames: first sample, samples, samples to skip within the frame, record, ticks of the first."""
_LEAD_S: Final = 1800.0
_KNOT_FRAMES: Final = 180
"""Ten seconds: far less than the half hour over which a clock is fitted."""
Row = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """When samples were taken: known at some, in between and beyond by straight lines.

    Attributes:
        index: int64, ascending.
        utc_ns: int64, ascending.
        rate_hz: Beyond the outermost.
    """

    index: NDArray[np.int64]
    utc_ns: NDArray[np.int64]
    rate_hz: float

    def utc_of(self, index: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Return the times of samples."""
        places = np.asarray(index, np.int64)
        base_ns = int(self.utc_ns[0])
        inner = np.interp(places, self.index, (self.utc_ns - base_ns).astype(np.float64))
        outside = places - np.clip(places, self.index[0], self.index[-1])
        return np.asarray(np.rint(inner + outside / self.rate_hz * 1e9), np.int64) + base_ns

    def index_at(self, utc_ns: int) -> int:
        """Return the first sample not before a time."""
        since_ns = (self.utc_ns - self.utc_ns[0]).astype(np.float64)
        at_ns = float(utc_ns - int(self.utc_ns[0]))
        inner = float(np.interp(at_ns, since_ns, self.index.astype(np.float64)))
        outside_ns = at_ns - min(max(at_ns, 0.0), float(since_ns[-1]))
        return int(np.ceil(inner + outside_ns * self.rate_hz / 1e9 - 1e-6))


@dataclass(slots=True, eq=False)
class BootSignal:
    """The EMG of one boot of a sensor.

    Attributes:
        sensor: Id.
        boot_id: Of its samples.
        stream: Number of the EMG stream.
        channels: Of it.
        rate_hz: Of it.
        octets: A sample takes in a frame, 2 or 3.
        unit: ``uV``, or ``relative`` where the scale is unknown.
        labels: Of the channels; may be empty.
        pyramid: What is drawn.
        origin_index: Sample at place 0 of the pyramid; -1 before the first.
        frames: Where the samples themselves are: rows of `FRAME_COLUMNS`, in order of arrival.
        gains: From which sample on a count is how many units, ascending.
    """

    sensor: str
    boot_id: int
    stream: int
    channels: int
    rate_hz: float
    octets: int
    unit: str
    labels: tuple[str, ...]
    pyramid: Pyramid
    origin_index: int = -1
    frames: "array[int]" = field(default_factory=lambda: array("q"))
    gains: list[tuple[int, float]] = field(default_factory=list)
    knots: Knots | None = None
    _covered: tuple[int, NDArray[np.int64]] | None = None
    _ordered: tuple[int, NDArray[np.int64]] | None = None

    def draw(self, first: int, values: Floats) -> None:
        """Take consecutive samples as they are shown, shape (samples, channels)."""
        if self.origin_index < 0:
            # A sensor's ring may hand over what came before the first live sample.
            self.origin_index = max(0, first - round(_LEAD_S * self.rate_hz))
        skipped = max(0, self.origin_index - first)
        self.pyramid.put(first + skipped - self.origin_index, values[skipped:])

    def record_gain(self, index: int, units: float) -> None:
        """Note what a count is from a sample on."""
        if not self.gains or self.gains[-1][1] != units:
            self.gains.append((index, units))

    def gain_at(self, index: int) -> float:
        """Return what a count of a sample is."""
        return self.gains[max(0, bisect_right(self.gains, index, key=lambda gain: gain[0]) - 1)][1]

    def table(self) -> NDArray[np.int64]:
        """Return the rows of all frames by their first sample."""
        if self._ordered is None or self._ordered[0] != len(self.frames):
            rows = np.frombuffer(self.frames.tobytes(), np.int64).reshape(-1, FRAME_COLUMNS)
            self._ordered = (len(self.frames), rows[np.argsort(rows[:, 0], kind="stable")])
        return self._ordered[1]

    def covered(self) -> NDArray[np.int64]:
        """Return the stretches that have samples: first and next after, shape (stretches, 2)."""
        if self._covered is None or self._covered[0] != len(self.frames):
            self._covered = (len(self.frames), _joined(self.table()))
        return self._covered[1]

    def covered_ns(self) -> NDArray[np.int64]:
        """Return the same in UTC nanoseconds; empty as long as no time is known."""
        if self.knots is None:
            return np.empty((0, 2), np.int64)
        return self.knots.utc_of(self.covered())

    def fit(self, utc_of_ticks: Callable[[int], int]) -> None:
        """Take from the sensor's clock when samples were taken."""
        rows = self.table()
        if not len(rows):
            return
        is_begin = np.concatenate([[True], rows[1:, 0] > rows[:-1, 0] + rows[:-1, 1]])
        is_end = np.append(is_begin[1:], True)
        is_knot = is_begin | is_end | (np.arange(len(rows)) % _KNOT_FRAMES == 0)
        knots = rows[is_knot]
        utc_ns = np.maximum.accumulate(np.array([utc_of_ticks(int(one)) for one in knots[:, 4]], np.int64))
        self.knots = Knots(knots[:, 0], utc_ns, self.rate_hz)


def _joined(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join frames that follow each other."""
    if not len(rows):
        return np.empty((0, 2), np.int64)
    ends = np.maximum.accumulate(rows[:, 0] + rows[:, 1])
    begins = np.concatenate([[0], np.flatnonzero(rows[1:, 0] > ends[:-1]) + 1])
    return np.stack([rows[begins, 0], ends[np.append(begins[1:] - 1, len(rows) - 1)]], axis=1)
