"""When each tick of a sensor's clock was, in UTC: a fit of a drifting clock.

The problem
    A sensor counts the ticks of a cheap crystal and stamps each frame with them. The host knows when a frame arrived,
    which is tens to hundreds of milliseconds after its samples were taken: Bluetooth sends at connection events and
    repeats what was lost. The fit finds the UTC time of any tick to within 5 ms.

What the host knows
    Let ``y`` be host time minus nominal sensor time (ticks divided by their rate), and ``x`` nominal sensor time.
    Two kinds of observations bound ``y``:

    * A *sync* asks the sensor for its clock. The sensor read it after the request left and before the reply arrived:
      ``before - x <= y <= after - x``.
    * An *arrival* of a frame bounds it from above only: its last sample was taken before the frame arrived.

    Delays are always positive, so the observations with the least delay are the most exact ones. In each stretch of
    10 s only the tightest bound of either side is kept: the lower envelope of arrivals. That also bounds memory.

The model
    ``y = offset + drift * x``, a line, for half an hour around the moment in question. One line for a whole night does
    not hold: a crystal wanders by a few ppm as the bed warms it, and 1 ppm is 3.6 ms in an hour.

    1. *Drift*: the median slope between stretches (Theil 1950, Sen 1968). A quarter of the points may be arbitrarily
       wrong. Only the first third of the stretches is paired with the last third, because the slope between
       neighbours is dominated by their delays. Arrivals are preferred: the best of many has about 1 ms of extra delay,
       while a single sync has tens of milliseconds.
    2. *Offset*: with that slope, every bound is moved to one moment; the offset is in the middle of the interval that
       the tightest bounds leave.

When a clock loses count
    A sync that is more than half a second away from the fit means that host or sensor lost count, for instance because
    the machine slept. A new *segment* starts with it; earlier times keep the earlier segment's fit.

While recording, `SensorClock.utc_ns` uses the newest half hour. Afterwards `SensorClock.final_timeline` fits each
minute with the half hour around it and interpolates between minutes.

Invariants: host times are the monotonic clock with a fixed anchor in UTC, so a step of the wall clock moves nothing.
A late observation never moves the fit, however late it is; an arrival that is impossibly early is ignored.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SensorClock", "Timeline"]

_STRETCH_S: Final = 10.0
"""Long enough for 100 or more frames, of which some meet no delay; short enough that no drift shows within it (500 ppm
are 5 ms)."""
_WINDOW_S: Final = 1800.0
"""Long enough to meet bounds without delay, short enough that the drift of a crystal in a warming bed is constant."""
_KNOT_S: Final = 6 * _STRETCH_S
"""Between two fits a minute apart, the final times are interpolated."""
_MAX_STRETCHES: Final = 20_000
"""55 h; beyond it the oldest are discarded, so that no session fills memory."""
_MIN_STRETCHES: Final = 3
"""A median of fewer slopes would be the slope itself, outliers included."""
_MIN_STRETCH_ARRIVALS: Final = 20
"""With fewer frames in a stretch, perhaps none of them went without delay."""
_MIN_ARRIVALS_SPAN_S: Final = 20.0
"""The best of many arrivals is about 1 ms late: over less time that looks like more than 50 ppm."""
_MIN_SYNCS_SPAN_S: Final = 300.0
"""A sync has tens of ms of delay: over less time that looks like more drift than any crystal has."""
_MIN_SYNCS: Final = 6
"""Of many syncs the better half is used; of a few, all of these."""
_MAX_DRIFT: Final = 500e-6
"""What the Bluetooth specification allows the worst sleep clock (Core, Vol 6, Part B, 4.2.2)."""
_STEP_NS: Final = 500_000_000
"""A sync this far from the fit means that host or sensor lost count. Delays of syncs are well below it, and a machine
that slept was away for longer."""


@dataclass(slots=True)
class _Stretch:
    """Bounds of host time minus nominal sensor time within 10 s, in ns.

    Attributes:
        x_s: Nominal sensor time of its first observation.
        low_ns: Tightest lower bound, observed at `low_x_s`.
        high_ns: Tightest upper bound, observed at `high_x_s`.
        round_trip_ns: Duration of its fastest sync, whose middle is `middle_ns` at `middle_x_s`.
        arrivals: Number of frames that arrived.
    """

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
    """The stretches of a time in which neither clock lost count, by their number since sensor time 0."""

    stretches: dict[int, _Stretch] = field(default_factory=dict)

    def stretch_at(self, x_s: float) -> _Stretch:
        """Return the stretch of a sensor time, a new one if there is none; discard the oldest of too many."""
        key = int(x_s // _STRETCH_S)
        if key not in self.stretches:
            self.stretches[key] = _Stretch(x_s)
            if len(self.stretches) > _MAX_STRETCHES:
                del self.stretches[min(self.stretches)]
        return self.stretches[key]

    def stretches_around(self, x_s: float) -> list[_Stretch]:
        """Return the stretches of the window around a sensor time; at either end the window is shifted inwards."""
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

    def value_at(self, x_s: float) -> float:
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
        """Parts per million by which the sensor's clock is slow at present; 0 while that is not known."""
        return 0.0 if self._line is None else self._line.drift * 1e6

    @property
    def is_known(self) -> bool:
        """Whether there was any observation yet."""
        return bool(self._segments)

    def add_sync(self, *, ticks: int, before_ns: int, after_ns: int) -> None:
        """Add an observation: the sensor read its clock at `ticks`, between these two host times."""
        x_s = ticks / self._tick_hz
        nominal_ns = self._nominal_ns(ticks)
        segment = self._segment_of(x_s, before_ns - nominal_ns, after_ns - nominal_ns)
        stretch = segment.stretch_at(x_s)
        _tighten(stretch, x_s, low_ns=before_ns - nominal_ns, high_ns=after_ns - nominal_ns)
        if after_ns - before_ns < stretch.round_trip_ns:
            stretch.round_trip_ns = after_ns - before_ns
            stretch.middle_ns = (before_ns + after_ns) / 2 - nominal_ns
            stretch.middle_x_s = x_s
        self._line_key = (-1, -1)

    def add_arrival(self, *, ticks: int, host_ns: int) -> None:
        """Add an observation: what the sensor stamped with `ticks` had arrived at `host_ns`.

        One that is earlier than possible is ignored: its ticks are corrupt.
        """
        x_s = ticks / self._tick_hz
        high_ns = host_ns - self._nominal_ns(ticks)
        if not self._segments:
            self._segments.append(_Segment())
        segment = self._segments[-1]
        if self._line is not None and high_ns < self._line.value_at(x_s) - _STEP_NS:
            return
        stretch = segment.stretch_at(x_s)
        stretch.arrivals += 1
        _tighten(stretch, x_s, high_ns=high_ns)

    def utc_ns(self, ticks: int) -> int | None:
        """Return the UTC time of a tick according to the newest half hour; None before the first observation."""
        line = self._newest_line()
        return None if line is None else self._nominal_ns(ticks) + round(line.value_at(ticks / self._tick_hz))

    def final_timeline(self) -> "Timeline":
        """Return the final fit, in which each moment follows the half hour around it."""
        return Timeline(self._tick_hz, tuple(_fit_knots(segment) for segment in self._segments if segment.stretches))

    def _nominal_ns(self, ticks: int) -> int:
        return ticks * 1_000_000_000 // self._tick_hz

    def _segment_of(self, x_s: float, low_ns: float, high_ns: float) -> _Segment:
        """Return the current segment, or a new one if a sync contradicts it."""
        line = self._newest_line()
        if line is None or not low_ns - _STEP_NS <= line.value_at(x_s) <= high_ns + _STEP_NS:
            self._segments.append(_Segment())
        return self._segments[-1]

    def _newest_line(self) -> _Line | None:
        """Return the fit of the newest half hour; None before the first observation.

        It is calculated once per stretch and after each sync, not for each of the 18 frames a second.
        """
        if not self._segments or not self._segments[-1].stretches:
            return None
        segment = self._segments[-1]
        newest = next(reversed(segment.stretches))
        key = (len(self._segments), newest)
        if key != self._line_key:
            self._line, self._line_key = _fit_line(segment.stretches_around(newest * _STRETCH_S)), key
        return self._line


class Timeline:
    """The final fit of a boot's clock, from ticks to UTC.

    Args:
        tick_hz: Rate of the sensor's clock.
        segments: For each segment, in order, its knots: sensor times in s, and host minus sensor time there in ns.
    """

    def __init__(self, tick_hz: int, segments: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]) -> None:
        self._tick_hz = tick_hz
        self._segments = segments
        self._starts_s = [float(x_s[0]) for x_s, _ in segments]

    @property
    def is_known(self) -> bool:
        """Whether there was any observation to fit."""
        return bool(self._segments)

    def utc_ns(self, ticks: int) -> int:
        """Return the UTC time of a tick. Before the first and after the last observation, the nearest slope goes on."""
        x_s = ticks / self._tick_hz
        knots_s, offsets_ns = self._segments[max(0, bisect_right(self._starts_s, x_s) - 1)]
        return ticks * 1_000_000_000 // self._tick_hz + round(_interpolate(x_s, knots_s, offsets_ns))


def _interpolate(x_s: float, knots_s: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Interpolate linearly between knots, and extrapolate beyond them with the outermost slope."""
    if len(knots_s) == 1:
        return float(values[0])
    at = min(max(int(np.searchsorted(knots_s, x_s)), 1), len(knots_s) - 1)
    share = (x_s - knots_s[at - 1]) / (knots_s[at] - knots_s[at - 1])
    return float(values[at - 1] + share * (values[at] - values[at - 1]))


def _fit_knots(segment: _Segment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a line every minute and at the end; return the sensor times and the values of the lines there."""
    keys = sorted(segment.stretches)
    end_s = (keys[-1] + 1) * _STRETCH_S
    centres_s = np.arange(keys[0] * _STRETCH_S, end_s + 1, _KNOT_S)
    if centres_s[-1] < end_s:
        centres_s = np.append(centres_s, end_s)
    return centres_s, np.array([_fit_line(segment.stretches_around(x_s)).value_at(x_s) for x_s in centres_s])


def _fit_line(stretches: list[_Stretch]) -> _Line:
    """Fit one line to the bounds of some stretches."""
    x0_s = stretches[-1].x_s
    drift = _fit_drift(stretches)
    lows = [s.low_ns - drift * (s.low_x_s - x0_s) * 1e9 for s in stretches if np.isfinite(s.low_ns)]
    highs = [s.high_ns - drift * (s.high_x_s - x0_s) * 1e9 for s in stretches if np.isfinite(s.high_ns)]
    high_ns = min(highs, default=max(lows, default=0.0))
    low_ns = max(lows, default=high_ns)
    return _Line(x0_s, (low_ns + high_ns) / 2, drift)


def _fit_drift(stretches: list[_Stretch]) -> float:
    """Return the median slope between stretches, from arrivals if there are enough of them, else from syncs."""
    points = [(s.high_x_s, s.high_ns) for s in stretches if s.arrivals >= _MIN_STRETCH_ARRIVALS]
    min_span_s = _MIN_ARRIVALS_SPAN_S
    if len(points) < _MIN_STRETCHES:
        points, min_span_s = _best_syncs(stretches), _MIN_SYNCS_SPAN_S
    x_s, y_ns = np.array(sorted(points), np.float64).reshape(-1, 2).T
    if len(x_s) < _MIN_STRETCHES or np.ptp(x_s) < min_span_s:
        return 0.0
    third = max(1, len(x_s) // 3)  # the slope between neighbours shows their delays, not the drift
    apart_s = x_s[-third:, None] - x_s[None, :third]
    slopes = (y_ns[-third:, None] - y_ns[None, :third]) / (apart_s * 1e9)
    return float(np.clip(np.median(slopes), -_MAX_DRIFT, _MAX_DRIFT))


def _best_syncs(stretches: list[_Stretch]) -> list[tuple[float, float]]:
    """Return the middles of the fastest half of the syncs, as sensor time in s and host minus sensor time in ns."""
    synced = sorted((s for s in stretches if np.isfinite(s.round_trip_ns)), key=lambda s: s.round_trip_ns)
    return [(s.middle_x_s, s.middle_ns) for s in synced[: max(_MIN_SYNCS, len(synced) // 2)]]


def _tighten(stretch: _Stretch, x_s: float, *, low_ns: float = -np.inf, high_ns: float = np.inf) -> None:
    if low_ns > stretch.low_ns:
        stretch.low_ns, stretch.low_x_s = low_ns, x_s
    if high_ns < stretch.high_ns:
        stretch.high_ns, stretch.high_x_s = high_ns, x_s
