"""A stretch of a night on a screen's columns: lowest and highest value in each, or the samples themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.web.live.ring import Floats
from crampwatch.web.live.waveform import HighPass
from crampwatch.web.night.model.pyramid import BASE_SAMPLES
from crampwatch.web.night.model.signal import BootSignal
from numpy.typing import NDArray

__all__ = ["Grid", "ReadSamples", "Span", "draw", "gaps_ns", "spread"]

_LEAD_IN_S: Final = 0.3
"""Read before the window, so that the high-pass has settled where it begins."""
ReadSamples = Callable[[BootSignal, int, int], NDArray[np.float64]]
"""Returns samples ``first <= index < end`` of a signal, shape (end - first, channels), NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, and how many columns a screen has for it.

    Attributes:
        from_ns: UTC.
        to_ns: UTC, after `from_ns`.
        columns: At least 1.
    """

    from_ns: int
    to_ns: int
    columns: int

    @property
    def step_ns(self) -> float:
        """Time of one column."""
        return (self.to_ns - self.from_ns) / self.columns


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Values at equal steps.

    Attributes:
        from_ns: Begin of the first step, UTC.
        step_ns: From step to step.
        values: float32, shape (steps, channels, 2): lowest and highest; NaN where there is no sample.
        is_samples: Each step is one sample, and both values are the same.
    """

    from_ns: int
    step_ns: float
    values: Floats
    is_samples: bool = False


def draw(signals: Iterable[BootSignal], span: Span, read: ReadSamples) -> Grid:
    """Return what a screen shows of a sensor's signals, which may be of several boots and sessions."""
    shown = [one for one in signals if one.knots is not None and _overlaps(one, span)]
    if len(shown) == 1 and (samples := _as_samples(shown[0], span, read)) is not None:
        return samples
    channels = max((one.channels for one in shown), default=1)
    values = np.full((span.columns, channels, 2), np.nan, np.float32)
    for signal in shown:
        _add(values, signal, span, read)
    return Grid(span.from_ns, span.step_ns, values)


def spread(at_ns: NDArray[np.int64], low: Floats, high: Floats, span: Span, into: Floats) -> None:
    """Widen columns by values at times, ascending; what lies outside the span is left out.

    Args:
        at_ns: UTC.
        low: Of shape (n, channels).
        high: The same.
        span: Whose columns.
        into: Of shape (columns, at least so many channels, 2).
    """
    inside = (at_ns >= span.from_ns) & (at_ns < span.to_ns)
    places = ((at_ns[inside] - span.from_ns) / span.step_ns).astype(np.int64)
    if not len(places):
        return
    columns, begins = np.unique(np.minimum(places, span.columns - 1), return_index=True)
    width = low.shape[1]
    into[columns, :width, 0] = np.fmin(into[columns, :width, 0], np.fmin.reduceat(low[inside], begins, axis=0))
    into[columns, :width, 1] = np.fmax(into[columns, :width, 1], np.fmax.reduceat(high[inside], begins, axis=0))


def gaps_ns(covered: NDArray[np.int64], *, from_ns: int, to_ns: int, shortest_ns: int = 0) -> list[tuple[int, int]]:
    """Return the stretches of a span that no covered stretch covers.

    >>> gaps_ns(np.array([[10, 20], [30, 60]]), from_ns=0, to_ns=50)
    [(0, 10), (20, 30)]
    """
    found, reached = [], from_ns
    for begin, end in covered[np.argsort(covered[:, 0], kind="stable")].tolist():
        if begin > reached and begin - reached > shortest_ns:
            found.append((reached, min(begin, to_ns)))
        reached = max(reached, end)
        if reached >= to_ns:
            return found
    if to_ns - reached > shortest_ns:
        found.append((reached, to_ns))
    return found


def _overlaps(signal: BootSignal, span: Span) -> bool:
    covered = signal.covered_ns()
    return bool(len(covered)) and covered[0, 0] < span.to_ns and covered[-1, 1] > span.from_ns


def _range(signal: BootSignal, span: Span) -> tuple[int, int]:
    """Return which samples of a signal lie in a span."""
    assert signal.knots is not None
    covered = signal.covered()
    first, end = signal.knots.index_at(span.from_ns), signal.knots.index_at(span.to_ns)
    return max(first, int(covered[0, 0])), min(end, int(covered[-1, 1]))


def _as_samples(signal: BootSignal, span: Span, read: ReadSamples) -> Grid | None:
    """Return single samples where the screen has room for them; None where it has not."""
    assert signal.knots is not None
    if (span.to_ns - span.from_ns) / 1e9 * signal.rate_hz > span.columns:
        return None
    first, end = _range(signal, span)
    # One more on each side, so that the line goes on to the edge.
    first, end = max(first - 1, int(signal.covered()[0, 0])), min(end + 1, int(signal.covered()[-1, 1]))
    if end <= first:
        return None
    values = _shown(signal, first, end, read)
    at_ns = signal.knots.utc_of(np.array([first, end]))
    step_ns = float(at_ns[1] - at_ns[0]) / (end - first)
    return Grid(int(at_ns[0]), step_ns, np.repeat(values[..., None], 2, axis=2), is_samples=True)


def _add(into: Floats, signal: BootSignal, span: Span, read: ReadSamples) -> None:
    assert signal.knots is not None
    first, end = _range(signal, span)
    if end <= first:
        return
    samples_a_column = span.step_ns / 1e9 * signal.rate_hz
    if samples_a_column < BASE_SAMPLES:
        values = _shown(signal, first, end, read)
        spread(signal.knots.utc_of(np.arange(first, end)), values, values, span, into)
        return
    bucket, tier = signal.pyramid.level_for(samples_a_column)
    begin, after = (first - signal.origin_index) // bucket, -(-(end - signal.origin_index) // bucket)
    begin, after = max(begin, 0), min(after, len(tier))
    middles = signal.origin_index + np.arange(begin, after) * bucket + bucket // 2
    at_ns = np.clip(signal.knots.utc_of(middles), span.from_ns, span.to_ns - 1)
    spread(at_ns, tier[begin:after, :, 0], tier[begin:after, :, 1], span, into)


def _shown(signal: BootSignal, first: int, end: int, read: ReadSamples) -> Floats:
    """Return samples without drift, as the pyramid have them."""
    lead_in = min(round(_LEAD_IN_S * signal.rate_hz), first - int(signal.covered()[0, 0]))
    raw = read(signal, first - lead_in, end)
    shown = np.full(raw.shape, np.nan, np.float32)
    is_known = np.isfinite(raw).all(axis=1)
    edges = np.flatnonzero(np.diff(is_known, prepend=False, append=False))
    for begin, after in edges.reshape(-1, 2).tolist():
        shown[begin:after] = HighPass()(raw[begin:after], signal.rate_hz)
    return shown[lead_in:]
