"""What a screen shows of a span of time: lowest and highest value of each column, or single samples.

Three ways, by how many samples a column covers:

- at most one: each sample is a separate point at its exact time (`Grid.is_samples`), plus one sample on each side,
  so that the line continues to the edge of the screen;
- fewer than a bucket of the pyramid (`BASE_SAMPLES`): the samples are read from the recording and spread on columns;
- otherwise: buckets of the pyramid, none larger than a column, spread on columns.

All three show the same curve, without drift: the pyramid holds filtered samples, and samples read from the recording
are filtered the same way. Columns without a sample stay NaN and are drawn as a gap.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.web.live.ring import Floats
from crampwatch.web.live.waveform import HighPass
from crampwatch.web.night.model.pyramid import BASE_SAMPLES
from crampwatch.web.night.model.signal import BootSignal
from numpy.typing import NDArray

__all__ = ["Grid", "ReadSamples", "Span", "gaps_ns", "render", "samples_in", "spread_on_columns"]

_LEAD_IN_S: Final = 0.3
"""Read before the span, so that the high-pass has settled where the span starts: at 10 Hz to 1e-8 after 0.3 s."""
ReadSamples = Callable[[BootSignal, int, int], NDArray[np.float64]]
"""Returns the samples ``first <= index < end`` of a signal, shape (end - first, channels); NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, and the number of screen columns for it.

    Attributes:
        from_ns: Start, UTC.
        to_ns: End, UTC; after `from_ns`.
        columns: 1 or more.
    """

    from_ns: int
    to_ns: int
    columns: int

    @property
    def step_ns(self) -> float:
        """Time that one column covers."""
        return (self.to_ns - self.from_ns) / self.columns


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Values at equal steps.

    Attributes:
        from_ns: Start of the first step, UTC.
        step_ns: Length of a step.
        values: float32 of shape (steps, channels, 2): lowest and highest value; NaN where there is no sample.
        is_samples: Whether each step is one sample; both values are then the same.
    """

    from_ns: int
    step_ns: float
    values: Floats
    is_samples: bool = False


def render(signals: Iterable[BootSignal], span: Span, read: ReadSamples) -> Grid:
    """Return what a screen shows of one sensor's signals, which may be from several boots and sessions."""
    visible = [one for one in signals if one.knots is not None and _overlaps(one, span)]
    if len(visible) == 1 and (samples := _render_samples(visible[0], span, read)) is not None:
        return samples
    channels = max((one.channels for one in visible), default=1)
    values = np.full((span.columns, channels, 2), np.nan, np.float32)
    for signal in visible:
        _render_columns(signal, span, read, values)
    return Grid(span.from_ns, span.step_ns, values)


def spread_on_columns(at_ns: NDArray[np.int64], low: Floats, high: Floats, span: Span, into: Floats) -> None:
    """Widen columns by values at given times; values outside the span are ignored.

    Args:
        at_ns: Times of the values, UTC, ascending, shape (n,).
        low: Lowest values, shape (n, channels).
        high: Highest values, shape (n, channels).
        span: Span that the columns divide.
        into: The columns, shape (columns, channels or more, 2), changed in place.
    """
    inside = (at_ns >= span.from_ns) & (at_ns < span.to_ns)
    places = ((at_ns[inside] - span.from_ns) / span.step_ns).astype(np.int64)
    if not len(places):
        return
    columns, starts = np.unique(np.minimum(places, span.columns - 1), return_index=True)
    width = low.shape[1]
    into[columns, :width, 0] = np.fmin(into[columns, :width, 0], np.fmin.reduceat(low[inside], starts, axis=0))
    into[columns, :width, 1] = np.fmax(into[columns, :width, 1], np.fmax.reduceat(high[inside], starts, axis=0))


def gaps_ns(covered: NDArray[np.int64], *, from_ns: int, to_ns: int, shortest_ns: int = 0) -> list[tuple[int, int]]:
    """Return the parts of a span that no covered range covers, in order of time.

    Args:
        covered: Ranges in any order, possibly overlapping, shape (n, 2), UTC.
        from_ns: Start of the span, UTC.
        to_ns: End of the span, UTC.
        shortest_ns: Gaps up to this length are left out.

    >>> gaps_ns(np.array([[10, 20], [30, 60]]), from_ns=0, to_ns=50)
    [(0, 10), (20, 30)]
    """
    gaps, reached = [], from_ns
    for begin, end in covered[np.argsort(covered[:, 0], kind="stable")].tolist():
        if begin > reached and begin - reached > shortest_ns:
            gaps.append((reached, min(begin, to_ns)))
        reached = max(reached, end)
        if reached >= to_ns:
            return gaps
    if to_ns - reached > shortest_ns:
        gaps.append((reached, to_ns))
    return gaps


def _overlaps(signal: BootSignal, span: Span) -> bool:
    covered = signal.covered_ns()
    return bool(len(covered)) and covered[0, 0] < span.to_ns and covered[-1, 1] > span.from_ns


def samples_in(signal: BootSignal, from_ns: int, to_ns: int) -> tuple[int, int]:
    """Return the first index of a signal in a span, and the one after the last; the same if there is none."""
    assert signal.knots is not None
    covered = signal.covered_samples()
    first = max(signal.knots.index_at(from_ns), int(covered[0, 0]))
    return first, max(first, min(signal.knots.index_at(to_ns), int(covered[-1, 1])))


def _render_samples(signal: BootSignal, span: Span, read: ReadSamples) -> Grid | None:
    """Return single samples if the screen has a column for each, else None."""
    assert signal.knots is not None
    if (span.to_ns - span.from_ns) / 1e9 * signal.rate_hz > span.columns:
        return None
    first, end = samples_in(signal, span.from_ns, span.to_ns)
    # One more on each side, so that the line continues to the edge.
    first, end = max(first - 1, int(signal.covered_samples()[0, 0])), min(end + 1, int(signal.covered_samples()[-1, 1]))
    if end <= first:
        return None
    values = _read_filtered(signal, first, end, read)
    at_ns = signal.knots.utc_of(np.array([first, end]))
    step_ns = float(at_ns[1] - at_ns[0]) / (end - first)
    return Grid(int(at_ns[0]), step_ns, np.repeat(values[..., None], 2, axis=2), is_samples=True)


def _render_columns(signal: BootSignal, span: Span, read: ReadSamples, into: Floats) -> None:
    assert signal.knots is not None
    first, end = samples_in(signal, span.from_ns, span.to_ns)
    if end <= first:
        return
    samples_per_column = span.step_ns / 1e9 * signal.rate_hz
    if samples_per_column < BASE_SAMPLES:
        values = _read_filtered(signal, first, end, read)
        spread_on_columns(signal.knots.utc_of(np.arange(first, end)), values, values, span, into)
        return
    size, level = signal.pyramid.level_for(samples_per_column)
    begin = max((first - signal.origin_index) // size, 0)
    after = min(-(-(end - signal.origin_index) // size), len(level))
    middles = signal.origin_index + np.arange(begin, after) * size + size // 2
    at_ns = np.clip(signal.knots.utc_of(middles), span.from_ns, span.to_ns - 1)
    spread_on_columns(at_ns, level[begin:after, :, 0], level[begin:after, :, 1], span, into)


def _read_filtered(signal: BootSignal, first: int, end: int, read: ReadSamples) -> Floats:
    """Return samples without drift, as in the pyramid; each run between gaps is filtered on its own."""
    lead_in = min(round(_LEAD_IN_S * signal.rate_hz), first - int(signal.covered_samples()[0, 0]))
    raw = read(signal, first - lead_in, end)
    filtered = np.full(raw.shape, np.nan, np.float32)
    is_known = np.isfinite(raw).all(axis=1)
    edges = np.flatnonzero(np.diff(is_known, prepend=False, append=False))
    for begin, after in edges.reshape(-1, 2).tolist():
        filtered[begin:after] = HighPass()(raw[begin:after], signal.rate_hz)
    return filtered[lead_in:]
