"""When the sensor's ticks were, in UTC: a drifting-clock fit.

The host never sees when a sample was taken, but two facts bound it. A sync is answered after it was asked and before
its answer arrived; a frame arrives after its last sample was taken. In each stretch of 10 s the tightest bound of
either side is kept (the pairs with the least delay: the lower envelope of arrivals). The drift is the median slope
between stretches (Theil 1950, Sen 1968: a quarter of the points may be arbitrarily wrong); the offset then lies in the
middle of what all bounds of a half hour leave open. A sensor's crystal wanders by a few ppm as the bed warms it, so one
line does not hold for a night: each moment has its own, from the time around it.

Host times are the monotonic clock told in UTC by a fixed anchor: a step of the wall clock moves nothing.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SensorClock", "Timeline"]

_STRETCH_S: Final = 10.0
_WINDOW_S: Final = 1800.0
_MAX_STRETCHES: Final = 20_000
"""55 h; beyond it the oldest are forgotten."""
_LEAST_ARRIVALS_S: Final = 20.0
_LEAST_SYNCS_S: Final = 300.0
"""Below it delays would look like more drift than any crystal has: 1 ms for the best of many arrivals, tens of ms for a
sync."""
_MAX_DRIFT: Final = 500e-6
_STEP_NS: Final = 500_000_000
"""A sync this far from the fit means that host or sensor lost count: the fit begins anew."""


@dataclass(slots=True)
class _Stretch:
    """Bounds of host time minus nominal sensor time, ns, in one stretch; `x_s` is where the tightest was met."""

    x_s: float
    low_ns: float = -np.inf
    low_x_s: float = 0.0
    high_ns: float = np.inf
    high_x_s: float = 0.0
    round_trip_ns: float = np.inf
    middle_ns: float = 0.0
    middle_x_s: float = 0.0
    arrivals: int = 0


@dataclass(slots=True)
class _Segment:
    """Stretches during which neither clock lost count."""

    since_s: float
    stretches: dict[int, _Stretch] = field(default_factory=dict)

    def at(self, x_s: float) -> _Stretch:
        key = int(x_s // _STRETCH_S)
        if key not in self.stretches:
            self.stretches[key] = _Stretch(x_s)
            if len(self.stretches) > _MAX_STRETCHES:
                del self.stretches[min(self.stretches)]
        return self.stretches[key]

    def around(self, x_s: float) -> list[_Stretch]:
        """Return the stretches of the window around a moment, shifted inwards at either end."""
        if len(self.stretches) * _STRETCH_S <= _WINDOW_S:
            return list(self.stretches.values())
        keys = sorted(self.stretches)
        half = _WINDOW_S / 2 / _STRETCH_S
        centre = min(max(x_s / _STRETCH_S, keys[0] + half), keys[-1] - half)
        low, high = bisect_right(keys, centre - half), bisect_right(keys, centre + half)
        return [self.stretches[key] for key in keys[low:high]] or [self.stretches[keys[min(low, len(keys) - 1)]]]


@dataclass(frozen=True, slots=True)
class _Line:
    """Host ns minus nominal sensor ns: ``offset_ns + drift * (x_s - x0_s) * 1e9``."""

    x0_s: float
    offset_ns: float
    drift: float

    def at(self, x_s: float) -> float:
        return self.offset_ns + self.drift * (x_s - self.x0_s) * 1e9


class SensorClock:
    """Maps unwrapped ticks of one boot to UTC.

    >>> clock = SensorClock(tick_hz=1000)
    >>> clock.add_sync(ticks=5_000, before_ns=1_000_000_000, after_ns=1_030_000_000)
    >>> clock.utc_ns(6_000)
    2015000000
    """

    def __init__(self, tick_hz: int) -> None:
        self._tick_hz = tick_hz
        self._segments: list[_Segment] = []
        self._line: _Line | None = None
        self._line_key = (-1, -1)

    @property
    def drift_ppm(self) -> float:
        """By how much the sensor's clock is slow, lately, in parts per million; 0 where not known yet."""
        return 0.0 if self._line is None else self._line.drift * 1e6

    @property
    def is_known(self) -> bool:
        """Whether there is anything to tell the time by."""
        return bool(self._segments)

    def add_sync(self, *, ticks: int, before_ns: int, after_ns: int) -> None:
        """Take an exchange: the sensor read its clock between these two host times."""
        x_s = ticks / self._tick_hz
        nominal_ns = self._nominal_ns(ticks)
        segment = self._segment(x_s, before_ns - nominal_ns, after_ns - nominal_ns)
        stretch = segment.at(x_s)
        self._bound(stretch, x_s, low_ns=before_ns - nominal_ns, high_ns=after_ns - nominal_ns)
        if after_ns - before_ns < stretch.round_trip_ns:
            stretch.round_trip_ns = after_ns - before_ns
            stretch.middle_ns = (before_ns + after_ns) / 2 - nominal_ns
            stretch.middle_x_s = x_s
        self._line_key = (-1, -1)

    def add_arrival(self, *, ticks: int, host_ns: int) -> None:
        """Take an arrival: what the sensor did at `ticks` was known here at `host_ns`."""
        x_s = ticks / self._tick_hz
        high_ns = host_ns - self._nominal_ns(ticks)
        if not self._segments:
            self._segments.append(_Segment(x_s))
        segment = self._segments[-1]
        if self._line is not None and high_ns < self._line.at(x_s) - _STEP_NS:
            return  # earlier than it can be: the ticks are nonsense
        stretch = segment.at(x_s)
        stretch.arrivals += 1
        if high_ns < stretch.high_ns:
            stretch.high_ns, stretch.high_x_s = high_ns, x_s

    def utc_ns(self, ticks: int) -> int | None:
        """Return when ticks were, by what is known up to now; None before anything is."""
        line = self._newest_line()
        return None if line is None else self._nominal_ns(ticks) + round(line.at(ticks / self._tick_hz))

    def final_timeline(self) -> "Timeline":
        """Return the final fit: each moment by the half hour around it."""
        return Timeline(self._tick_hz, tuple(_knots(segment) for segment in self._segments if segment.stretches))

    def _nominal_ns(self, ticks: int) -> int:
        return ticks * 1_000_000_000 // self._tick_hz

    def _segment(self, x_s: float, low_ns: float, high_ns: float) -> _Segment:
        line = self._newest_line()
        if line is None or not low_ns - _STEP_NS <= line.at(x_s) <= high_ns + _STEP_NS:
            self._segments.append(_Segment(x_s))
        return self._segments[-1]

    def _newest_line(self) -> _Line | None:
        """Return the fit of the last half hour, made anew once a stretch and after a sync; None before anything."""
        if not self._segments or not self._segments[-1].stretches:
            return None
        segment = self._segments[-1]
        newest = next(reversed(segment.stretches))
        key = (len(self._segments), newest)
        if key != self._line_key:
            self._line, self._line_key = _fit(segment.around(newest * _STRETCH_S)), key
        return self._line

    @staticmethod
    def _bound(stretch: _Stretch, x_s: float, *, low_ns: float, high_ns: float) -> None:
        if low_ns > stretch.low_ns:
            stretch.low_ns, stretch.low_x_s = low_ns, x_s
        if high_ns < stretch.high_ns:
            stretch.high_ns, stretch.high_x_s = high_ns, x_s


class Timeline:
    """The clock of a boot once all is known: ticks to UTC, growing with ticks.

    Args:
        tick_hz: Rate of the sensor's clock.
        segments: Knots ``(x_s, offset_ns)`` of each stretch of time in which no clock lost count, in order.
    """

    def __init__(self, tick_hz: int, segments: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]) -> None:
        self._tick_hz = tick_hz
        self._segments = segments
        self._begins = [float(x_s[0]) for x_s, _ in segments]

    @property
    def is_known(self) -> bool:
        """Whether there was anything to fit."""
        return bool(self._segments)

    def utc_ns(self, ticks: int) -> int:
        """Return when ticks were."""
        x_s = ticks / self._tick_hz
        knots_s, offsets_ns = self._segments[max(0, bisect_right(self._begins, x_s) - 1)]
        return ticks * 1_000_000_000 // self._tick_hz + round(_interpolated(x_s, knots_s, offsets_ns))


def _interpolated(x_s: float, knots_s: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Interpolate between knots, and go on with the outermost slope beyond them."""
    if len(knots_s) == 1:
        return float(values[0])
    at = min(max(int(np.searchsorted(knots_s, x_s)), 1), len(knots_s) - 1)
    share = (x_s - knots_s[at - 1]) / (knots_s[at] - knots_s[at - 1])
    return float(values[at - 1] + share * (values[at] - values[at - 1]))


def _knots(segment: _Segment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    keys = sorted(segment.stretches)
    centres_s = np.arange(keys[0] * _STRETCH_S, (keys[-1] + 1) * _STRETCH_S + 1, 6 * _STRETCH_S)
    if centres_s[-1] < (keys[-1] + 1) * _STRETCH_S:
        centres_s = np.append(centres_s, (keys[-1] + 1) * _STRETCH_S)
    return centres_s, np.array([_fit(segment.around(x_s)).at(x_s) for x_s in centres_s])


def _fit(stretches: list[_Stretch]) -> _Line:
    """Fit one line to the bounds of some stretches."""
    x0_s = stretches[-1].x_s
    drift = _drift(stretches)
    lows = [s.low_ns - drift * (s.low_x_s - x0_s) * 1e9 for s in stretches if np.isfinite(s.low_ns)]
    highs = [s.high_ns - drift * (s.high_x_s - x0_s) * 1e9 for s in stretches if np.isfinite(s.high_ns)]
    high_ns = min(highs, default=max(lows, default=0.0))
    low_ns = max(lows, default=high_ns)
    return _Line(x0_s, (low_ns + high_ns) / 2, drift)


def _drift(stretches: list[_Stretch]) -> float:
    """Return the median slope between stretches, from arrivals where there are enough of them, else from syncs."""
    points, least_s = [(s.high_x_s, s.high_ns) for s in stretches if s.arrivals >= 20], _LEAST_ARRIVALS_S
    if len(points) < 3:
        synced = sorted((s for s in stretches if np.isfinite(s.round_trip_ns)), key=lambda s: s.round_trip_ns)
        points, least_s = [(s.middle_x_s, s.middle_ns) for s in synced[: max(6, len(synced) // 2)]], _LEAST_SYNCS_S
    x_s, y_ns = np.array(sorted(points), np.float64).reshape(-1, 2).T
    if len(x_s) < 3 or np.ptp(x_s) < least_s:
        return 0.0
    third = max(1, len(x_s) // 3)  # neighbours tell the delays, not the drift: the first third against the last
    apart_s = x_s[-third:, None] - x_s[None, :third]
    slopes = (y_ns[-third:, None] - y_ns[None, :third]) / (apart_s * 1e9)
    return float(np.clip(np.median(slopes), -_MAX_DRIFT, _MAX_DRIFT))
