"""What a screen shows of a signal: extremes, single samples, and gaps as gaps."""

from array import array

import numpy as np
import pytest
from crampwatch.web.night.model.pyramid import Pyramid
from crampwatch.web.night.model.signal import BootSignal, Knots
from crampwatch.web.night.model.viewport import Span, gaps_ns, render, samples_in, spread_on_columns
from numpy.typing import NDArray

S_NS = 1_000_000_000
BEGIN_NS = 1_795_000_000 * S_NS


class Recorded:
    """A signal at 1 kHz whose samples are all known except in gaps; notes which samples are read."""

    def __init__(self, seconds: float, gaps: tuple[tuple[int, int], ...] = (), first: int = 5000) -> None:
        self.first = first
        self.reads: list[tuple[int, int]] = []
        samples = round(seconds * 1000)
        self.values = np.random.default_rng(3).standard_normal((samples, 2)) * 20
        for begin, end in gaps:
            self.values[begin:end] = np.nan
        self.signal = BootSignal("CW", 1, 1, 2, 1000.0, 2, "uV", (), Pyramid(2), origin_index=first)
        known = np.isfinite(self.values[:, 0])
        edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).reshape(-1, 2)
        rows = [(first + begin, end - begin, 0, 1, 0) for begin, end in edges.tolist()]
        self.signal.frames = array("q", [number for row in rows for number in row])
        for begin, end in edges.tolist():
            self.signal.pyramid.add_samples(begin, self.values[begin:end].astype(np.float32))
        self.signal.knots = Knots(
            np.array([first, first + samples]), np.array([BEGIN_NS, BEGIN_NS + samples * 1_000_000]), 1000.0
        )

    def read(self, _signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
        self.reads.append((first, end))
        return self.values[first - self.first : end - self.first].copy()


def test_a_spike_is_seen_at_every_zoom() -> None:
    recorded = Recorded(3600)
    at = 1_234_567
    recorded.signal.pyramid.add_samples(at, np.full((1, 2), 900.0, np.float32))
    recorded.values[at] = 900.0
    for seconds in (3600.0, 600.0, 60.0, 2.0, 0.05):
        begin_ns = max(BEGIN_NS, BEGIN_NS + at * 1_000_000 - round(seconds / 2 * S_NS))
        grid = render([recorded.signal], Span(begin_ns, begin_ns + round(seconds * S_NS), 500), recorded.read)
        assert np.nanmax(grid.values) > 850


def test_at_the_closest_zoom_each_sample_is_shown_by_itself() -> None:
    recorded = Recorded(10)
    grid = render([recorded.signal], Span(BEGIN_NS + 5 * S_NS, BEGIN_NS + 5 * S_NS + 10_000_000, 800), recorded.read)
    assert grid.is_samples
    assert len(grid.values) == 12  # one more on each side
    assert grid.from_ns == BEGIN_NS + 5 * S_NS - 1_000_000
    assert grid.step_ns == 1_000_000
    assert np.array_equal(grid.values[..., 0], grid.values[..., 1])


def test_a_gap_is_missing_at_every_zoom() -> None:
    recorded = Recorded(600, gaps=((200_000, 300_000),))
    for columns, seconds in ((100, 600), (2000, 600), (2000, 60)):
        begin_ns = BEGIN_NS if seconds == 600 else BEGIN_NS + 190 * S_NS
        span = Span(begin_ns, begin_ns + seconds * S_NS, columns)
        grid = render([recorded.signal], span, recorded.read)
        middles_ns = span.from_ns + (np.arange(columns) + 0.5) * span.step_ns
        edge_ns = max(span.step_ns, 0.1 * S_NS)
        inside = (middles_ns > BEGIN_NS + 200 * S_NS + edge_ns) & (middles_ns < BEGIN_NS + 300 * S_NS - edge_ns)
        outside = middles_ns < BEGIN_NS + 200 * S_NS - edge_ns
        assert np.isnan(grid.values[inside]).all()
        assert np.isfinite(grid.values[outside]).mean() > 0.98
    assert recorded.signal.covered_ns().tolist() == [
        [BEGIN_NS, BEGIN_NS + 200 * S_NS],
        [BEGIN_NS + 300 * S_NS, BEGIN_NS + 600 * S_NS],
    ]


def test_nothing_is_shown_outside_a_signal() -> None:
    recorded = Recorded(10)
    grid = render([recorded.signal], Span(BEGIN_NS - 100 * S_NS, BEGIN_NS - 50 * S_NS, 10), recorded.read)
    assert np.isnan(grid.values).all()


def test_gaps_are_what_no_range_covers() -> None:
    covered = np.array([[30, 60], [10, 20], [15, 22]])
    assert gaps_ns(covered, from_ns=0, to_ns=80) == [(0, 10), (22, 30), (60, 80)]
    assert gaps_ns(covered, from_ns=0, to_ns=80, shortest_ns=9) == [(0, 10), (60, 80)]
    assert gaps_ns(np.empty((0, 2), np.int64), from_ns=5, to_ns=9) == [(5, 9)]


@pytest.mark.parametrize(("milliseconds", "is_samples"), [(100, True), (101, False)])
def test_samples_are_shown_singly_if_each_has_a_column(milliseconds: int, is_samples: bool) -> None:
    recorded = Recorded(10)
    start_ns = BEGIN_NS + 5 * S_NS
    span = Span(start_ns, start_ns + milliseconds * 1_000_000, 100)
    assert render([recorded.signal], span, recorded.read).is_samples is is_samples


@pytest.mark.parametrize(("columns", "reads"), [(101, 1), (100, 0)])
def test_the_pyramid_is_used_from_64_samples_a_column_on(columns: int, reads: int) -> None:
    recorded = Recorded(10)
    render([recorded.signal], Span(BEGIN_NS, BEGIN_NS + 6400 * 1_000_000, columns), recorded.read)
    assert len(recorded.reads) == reads


def test_the_filter_settles_on_the_300_ms_before_the_span() -> None:
    recorded = Recorded(10)
    span = Span(BEGIN_NS + 5 * S_NS, BEGIN_NS + 6 * S_NS, 500)
    render([recorded.signal], span, recorded.read)
    assert recorded.reads == [(recorded.first + 4700, recorded.first + 6000)]


def test_a_span_includes_its_start_and_excludes_its_end() -> None:
    recorded = Recorded(10)
    assert samples_in(recorded.signal, BEGIN_NS, BEGIN_NS + 3_000_000) == (5000, 5003)
    assert samples_in(recorded.signal, BEGIN_NS + 1000, BEGIN_NS + 3_001_000) == (5001, 5004)
    assert samples_in(recorded.signal, BEGIN_NS - S_NS, BEGIN_NS + 20 * S_NS) == (5000, 15_000)


def test_a_value_is_spread_on_the_column_of_its_time() -> None:
    columns = np.full((2, 1, 2), np.nan, np.float32)
    at_ns = np.array([99, 100, 149, 150, 199, 200])
    values = np.arange(6, dtype=np.float32)[:, None]
    spread_on_columns(at_ns, values, values, Span(100, 200, 2), columns)
    assert columns[:, 0].tolist() == [[1, 2], [3, 4]]


def test_a_gap_must_be_longer_than_the_shortest() -> None:
    covered = np.array([[0, 10], [20, 30]])
    assert gaps_ns(covered, from_ns=0, to_ns=40, shortest_ns=9) == [(10, 20), (30, 40)]
    assert gaps_ns(covered, from_ns=0, to_ns=40, shortest_ns=10) == []
