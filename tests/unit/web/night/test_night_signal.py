"""One boot's signal: where its samples are, what a count is worth, and when samples were taken."""

import numpy as np
import pytest
from crampwatch.web.night.model.pyramid import Pyramid
from crampwatch.web.night.model.signal import BootSignal, Knots

T0_NS = 1_795_000_000_000_000_000
MS_NS = 1_000_000
S_NS = 1_000_000_000


def make_signal(*frames: tuple[int, int]) -> BootSignal:
    """Return a signal with frames: index of the first sample, and number of samples."""
    signal = BootSignal("CW", 1, 1, 2, 1000.0, 2, "uV", (), Pyramid(2))
    for number, (first, count) in enumerate(frames):
        signal.frames.extend((first, count, 0, number, first * 10))
    return signal


def test_frames_in_any_order_are_merged_into_ranges() -> None:
    signal = make_signal((100, 50), (0, 50), (50, 50), (140, 20), (161, 9))
    assert signal.covered_samples().tolist() == [[0, 160], [161, 170]]
    signal.frames.extend((160, 1, 0, 9, 0))
    assert signal.covered_samples().tolist() == [[0, 170]]


def test_a_frame_inside_another_ends_nothing() -> None:
    assert make_signal((0, 100), (20, 10), (100, 10)).covered_samples().tolist() == [[0, 110]]


def test_a_gain_applies_from_its_sample_on() -> None:
    signal = make_signal()
    for index, units in ((10, 0.25), (20, 0.25), (30, 0.5)):
        signal.record_gain(index, units)
    assert signal.gains == [(10, 0.25), (30, 0.5)]
    assert [signal.gain_at(index) for index in (0, 10, 29, 30, 99)] == [0.25, 0.25, 0.25, 0.5, 0.5]


def test_there_is_room_for_half_an_hour_before_the_first_sample() -> None:
    signal = make_signal()
    signal.add_samples(2_000_000, np.ones((10, 2), np.float32))
    assert signal.origin_index == 2_000_000 - 1_800_000
    signal.add_samples(signal.origin_index - 5, np.full((10, 2), 7, np.float32))
    assert signal.pyramid.base[0].tolist() == [[7, 7], [7, 7]]
    early = make_signal()
    early.add_samples(100, np.ones((10, 2), np.float32))
    assert early.origin_index == 0


def test_times_are_exact_at_knots_linear_between_and_nominal_beyond() -> None:
    knots = Knots(np.array([100, 200]), np.array([T0_NS, T0_NS + 200 * MS_NS]), 1000.0)
    times = knots.utc_of(np.array([90, 100, 150, 200, 210])) - T0_NS
    assert (times / MS_NS).tolist() == [-10, 0, 100, 200, 210]
    for index in (90, 100, 150, 200, 210):
        assert knots.index_at(int(knots.utc_of(index))) == index
        assert knots.index_at(int(knots.utc_of(index)) + 1000) == index + 1


def test_knots_are_at_both_ends_of_each_range_and_every_180_frames() -> None:
    signal = make_signal(*[(at * 50, 50) for at in range(400)], *[(30_000 + at * 50, 50) for at in range(3)])
    assert signal.covered_ns().shape == (0, 2)
    signal.fit_times(lambda ticks: T0_NS + ticks)
    assert signal.knots is not None
    frames = [0, 180, 360, 399, 400, 402]
    table = signal.frame_table()
    assert signal.knots.index.tolist() == table[frames, 0].tolist()
    assert signal.knots.utc_ns.tolist() == (T0_NS + table[frames, 4]).tolist()


def test_times_never_go_back_even_if_the_clock_does() -> None:
    signal = make_signal((0, 50), (100, 50))
    signal.fit_times(lambda ticks: T0_NS - ticks)
    assert signal.knots is not None
    assert signal.knots.utc_ns.tolist() == [T0_NS, T0_NS]


def test_every_sample_is_found_by_its_time_rounded_to_nanoseconds() -> None:
    knots = Knots(np.array([0, 3_000_000]), np.array([T0_NS, T0_NS + 3_000_000 * S_NS // 997]), 997.0)
    times = knots.utc_of(np.arange(-500, 500))
    assert [knots.index_at(int(utc_ns)) for utc_ns in times] == list(range(-500, 500))


@pytest.mark.parametrize("index", [0, 1_000_000, 100_000_000])
def test_times_keep_nanoseconds_over_a_long_night(index: int) -> None:
    end_ns = T0_NS + 100_000_000 * MS_NS
    knots = Knots(np.array([0, 100_000_000]), np.array([T0_NS, end_ns]), 1000.0)
    assert int(knots.utc_of(index)) == T0_NS + index * MS_NS
