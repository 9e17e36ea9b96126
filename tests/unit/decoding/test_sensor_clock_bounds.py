"""Limits of the clock fit: when a new fit starts, when it has a drift, and what it discards."""

import numpy as np
import pytest
from crampwatch.decoding.sensor_clock import SensorClock, _interpolate, _Segment

TICK_HZ = 1000
STEP_NS = 500_000_000
S = 1_000_000_000


def clock_with_syncs(*at_s: float, ppm: float = 0.0) -> SensorClock:
    """A sensor clock that is slow by so much, read without any delay."""
    clock = SensorClock(TICK_HZ)
    for one_s in at_s:
        host_ns = round(one_s * S * (1 + ppm * 1e-6))
        clock.add_sync(ticks=round(one_s * TICK_HZ), before_ns=host_ns, after_ns=host_ns)
        clock.utc_ns(round(one_s * TICK_HZ))
    return clock


def clock_with_arrivals(counts: tuple[int, ...], *, ppm: float = 100.0) -> SensorClock:
    """A clock that has seen so many arrivals in each stretch of 10 s, the first at its very begin."""
    clock = SensorClock(TICK_HZ)
    for stretch, count in enumerate(counts):
        for n in range(count):
            at_s = stretch * 10 + n / 10
            clock.add_arrival(ticks=round(at_s * TICK_HZ), host_ns=round(at_s * S * (1 + ppm * 1e-6)))
    clock.utc_ns(0)
    return clock


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sync_half_a_second_off_belongs_to_the_fit_and_beyond_it_begins_another(sign: int) -> None:
    for excess_ns, segments in ((0, 1), (1, 2)):
        clock = clock_with_syncs(0)
        host_ns = 10 * S + sign * (STEP_NS + excess_ns)
        clock.add_sync(ticks=10 * TICK_HZ, before_ns=host_ns, after_ns=host_ns)
        assert len(clock._segments) == segments


def test_an_arrival_half_a_second_too_early_is_believed_and_beyond_it_is_nonsense() -> None:
    clock = clock_with_syncs(0)
    clock.add_arrival(ticks=TICK_HZ, host_ns=S - STEP_NS - 1)
    (stretch,) = clock._segments[0].stretches.values()
    assert stretch.arrivals == 0
    clock.add_arrival(ticks=TICK_HZ, host_ns=S - STEP_NS)
    assert stretch.arrivals == 1


def test_an_arrival_may_be_as_late_as_it_likes() -> None:
    clock = clock_with_syncs(0)
    clock.add_arrival(ticks=TICK_HZ, host_ns=1000 * S)
    assert clock.utc_ns(0) == 0


@pytest.mark.parametrize(("last_s", "ppm"), [(299.9, 0.0), (300.0, 100.0)])
def test_syncs_give_a_drift_from_300_s_on(last_s: float, ppm: float) -> None:
    assert clock_with_syncs(0, 150, last_s, ppm=100).drift_ppm == pytest.approx(ppm)


def test_two_syncs_give_no_drift() -> None:
    assert clock_with_syncs(0, 600, ppm=100).drift_ppm == 0.0


@pytest.mark.parametrize(
    ("counts", "ppm"), [((20, 20, 20), 100.0), ((20, 20, 19), 0.0), ((20, 20), 0.0), ((19, 20, 20, 20), 100.0)]
)
def test_arrivals_give_a_drift_from_three_stretches_of_20_on(counts: tuple[int, ...], ppm: float) -> None:
    assert clock_with_arrivals(counts).drift_ppm == pytest.approx(ppm, abs=0.01)


def test_arrivals_give_a_drift_from_20_s_on() -> None:
    late = SensorClock(TICK_HZ)
    for begin_s in (0.1, 10, 20):
        for n in range(20):
            at_s = begin_s + n / 10
            late.add_arrival(ticks=round(at_s * TICK_HZ), host_ns=round(at_s * S * (1 + 1e-4)))
    late.utc_ns(0)
    assert late.drift_ppm == 0.0


@pytest.mark.parametrize(("ppm", "fitted_ppm"), [(500, 500), (600, 500), (-600, -500)])
def test_no_crystal_drifts_by_more_than_500_ppm(ppm: float, fitted_ppm: float) -> None:
    assert clock_with_syncs(0, 150, 300, ppm=ppm).drift_ppm == pytest.approx(fitted_ppm)


def segment_of(stretches: int) -> _Segment:
    segment = _Segment()
    for key in range(stretches):
        segment.stretch_at(key * 10.0)
    return segment


def test_up_to_half_an_hour_everything_counts() -> None:
    assert len(segment_of(180).stretches_around(0.0)) == 180


@pytest.mark.parametrize(
    ("at_s", "first", "last"), [(0.0, 1, 180), (5000.0, 220, 399), (2000.0, 111, 290), (900.0, 1, 180), (910.0, 2, 181)]
)
def test_beyond_it_the_half_hour_around_a_moment_counts(at_s: float, first: int, last: int) -> None:
    around = segment_of(400).stretches_around(at_s)
    assert (around[0].x_s, around[-1].x_s) == (first * 10.0, last * 10.0)


def test_a_moment_in_a_long_absence_takes_what_is_nearest_before_it() -> None:
    segment = segment_of(200)
    segment.stretch_at(100_000.0)
    assert [one.x_s for one in segment.stretches_around(50_000.0)] == [100_000.0]


def test_a_stretch_begins_every_10_s() -> None:
    segment = _Segment()
    assert segment.stretch_at(0.0) is segment.stretch_at(9.999)
    assert segment.stretch_at(10.0) is not segment.stretch_at(9.999)


def test_the_oldest_of_more_than_20000_stretches_is_forgotten() -> None:
    segment = segment_of(20_000)
    assert min(segment.stretches) == 0
    segment.stretch_at(200_000.0)
    assert (min(segment.stretches), len(segment.stretches)) == (1, 20_000)


@pytest.mark.parametrize(("x_s", "value"), [(-10, -1), (0, 0), (5, 0.5), (10, 1), (15, 2), (20, 3), (30, 5)])
def test_between_knots_time_is_interpolate_and_beyond_them_the_last_slope_goes_on(x_s: float, value: float) -> None:
    assert _interpolate(x_s, np.array([0.0, 10.0, 20.0]), np.array([0.0, 1.0, 3.0])) == pytest.approx(value)


def test_the_final_times_have_a_knot_a_minute_and_one_at_the_end() -> None:
    ((knots_s, _),) = clock_with_syncs(0, 65).final_timeline()._segments
    assert knots_s.tolist() == [0.0, 60.0, 70.0]
    ((knots_s, _),) = clock_with_syncs(0, 50).final_timeline()._segments
    assert knots_s.tolist() == [0.0, 60.0]


def test_before_the_first_segment_its_own_fit_holds() -> None:
    clock = clock_with_syncs(100)
    clock.add_sync(ticks=200 * TICK_HZ, before_ns=500 * S, after_ns=500 * S)
    timeline = clock.final_timeline()
    assert timeline.utc_ns(0) == 0
    assert timeline.utc_ns(199 * TICK_HZ) == 199 * S
    assert timeline.utc_ns(200 * TICK_HZ) == 500 * S


def test_the_tightest_bounds_hold_and_time_lies_in_the_middle_of_what_they_leave_open() -> None:
    clock = SensorClock(TICK_HZ)
    clock.add_sync(ticks=0, before_ns=-10, after_ns=40)
    clock.add_sync(ticks=0, before_ns=-100, after_ns=20)
    clock.add_sync(ticks=0, before_ns=-6, after_ns=60)
    assert clock.utc_ns(0) == 7
