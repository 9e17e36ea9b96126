import random
from collections.abc import Callable, Iterator

import pytest
from crampwatch.decoding.sensor_clock import SensorClock
from crampwatch.firmware_sim.device.clock import DriftingClock

TICK_HZ = 32_768
BEGIN_NS = 1_790_000_000_000_000_000
LIMIT_S = 0.005
Delay = Callable[[random.Random], float]


def exponential(rng: random.Random) -> float:
    return 0.002 + rng.expovariate(1 / 0.03)


def connection_event(rng: random.Random) -> float:
    """Until the next connection event of a 30 ms interval, and now and then one that had to be repeated."""
    return rng.uniform(0, 0.03) + 0.0015 + (0.03 if rng.random() < 0.1 else 0.0)


class Bench:
    """A sensor with a drifting clock, met `offset_s` after its boot, and what the host learns of it."""

    def __init__(self, crystal: DriftingClock, seed: int, *, offset_s: float = 777.0) -> None:
        self.crystal = crystal
        self.rng = random.Random(seed)
        self.offset_s = offset_s
        self.clock = SensorClock(TICK_HZ)

    def ticks(self, at_s: float) -> int:
        return int(self.crystal.device_s(at_s + self.offset_s) * TICK_HZ)

    def sync(self, at_s: float, there: Delay, back: Delay, *, host_s: float = 0.0) -> None:
        read_s = at_s + there(self.rng)
        after_s = read_s + back(self.rng)
        self.clock.add_sync(ticks=self.ticks(read_s), before_ns=ns(at_s + host_s), after_ns=ns(after_s + host_s))

    def frame(self, at_s: float, delay: Delay) -> None:
        self.clock.add_arrival(ticks=self.ticks(at_s), host_ns=ns(at_s + delay(self.rng)))

    def live_error_s(self, at_s: float) -> float:
        utc_ns = self.clock.utc_ns(self.ticks(at_s))
        assert utc_ns is not None
        return abs(utc_ns - ns(at_s)) / 1e9

    def final_errors_s(self, *at_s: float) -> list[float]:
        timeline = self.clock.final_timeline()
        return [abs(timeline.utc_ns(self.ticks(one_s)) - ns(one_s)) / 1e9 for one_s in at_s]


def ns(at_s: float) -> int:
    return BEGIN_NS + round(at_s * 1e9)


def times(begin_s: float, end_s: float, step_s: float) -> Iterator[float]:
    at_s = begin_s
    while at_s < end_s:
        yield at_s
        at_s += step_s


@pytest.mark.parametrize("ppm", [-100.0, -20.0, 0.0, 35.0, 100.0])
def test_over_a_connection_the_error_stays_below_5_ms(ppm: float) -> None:
    bench = Bench(DriftingClock(ppm=ppm, wander_ppm=2.0), seed=round(ppm))
    for _ in range(8):
        bench.sync(0.0, connection_event, connection_event)
    worst_s = 0.0
    for at_s in times(0.1, 5400, 0.1):
        bench.frame(at_s, connection_event)
        if at_s % 60 < 0.1:
            bench.sync(at_s, connection_event, connection_event)
        if at_s > 5:
            worst_s = max(worst_s, bench.live_error_s(at_s))
    assert worst_s < LIMIT_S
    assert max(bench.final_errors_s(*times(0, 5400, 100))) < LIMIT_S
    assert bench.clock.drift_ppm == pytest.approx(-ppm, abs=4)


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_syncs_alone_suffice_under_symmetrical_jitter(ppm: float, seed: int) -> None:
    bench = Bench(DriftingClock(ppm=ppm), seed=seed)
    for at_s in times(0, 3600, 20):
        bench.sync(at_s, exponential, exponential)
    assert max(bench.final_errors_s(*times(0, 3600, 50))) < LIMIT_S
    assert bench.live_error_s(3600) < LIMIT_S


def test_the_first_sync_gives_a_time_within_its_round_trip() -> None:
    bench = Bench(DriftingClock(), seed=3)
    assert bench.clock.utc_ns(5) is None
    bench.sync(10.0, connection_event, connection_event)
    assert bench.live_error_s(10.0) < 0.05


def test_the_first_frame_gives_a_time_too() -> None:
    bench = Bench(DriftingClock(), seed=3)
    bench.frame(10.0, connection_event)
    assert bench.live_error_s(10.0) < 0.07


def test_delays_of_seconds_now_and_then_do_no_harm() -> None:
    bench = Bench(DriftingClock(ppm=50), seed=4)

    def stalling(rng: random.Random) -> float:
        return connection_event(rng) + (rng.uniform(1, 4) if rng.random() < 0.3 else 0.0)

    for at_s in times(0, 3600, 0.5):
        bench.frame(at_s, stalling)
        if at_s % 30 < 0.5:
            bench.sync(at_s, stalling, stalling)
    assert max(bench.final_errors_s(*times(0, 3600, 50))) < LIMIT_S


def test_a_long_absence_is_bridged() -> None:
    bench = Bench(DriftingClock(ppm=-60), seed=5)
    for begin_s in (0.0, 3000.0):
        for at_s in times(begin_s, begin_s + 600, 0.5):
            bench.frame(at_s, connection_event)
            if at_s % 60 < 0.5:
                bench.sync(at_s, connection_event, connection_event)
    assert max(bench.final_errors_s(*times(0, 3600, 25))) < LIMIT_S


def test_a_host_that_lost_count_begins_a_new_fit_and_keeps_the_old() -> None:
    bench = Bench(DriftingClock(ppm=10), seed=6)
    for at_s in times(0, 1200, 10):
        slept_s = 30.0 if at_s >= 600 else 0.0
        bench.sync(at_s, exponential, exponential, host_s=slept_s)
    assert bench.final_errors_s(300)[0] < 0.02
    assert bench.final_errors_s(1100)[0] == pytest.approx(30, abs=0.02)


def test_final_times_grow_with_ticks() -> None:
    bench = Bench(DriftingClock(ppm=80, wander_ppm=5), seed=7)
    for at_s in times(0, 3600, 1):
        bench.frame(at_s, connection_event)
        if at_s % 60 < 1:
            bench.sync(at_s, exponential, exponential)
    timeline = bench.clock.final_timeline()
    estimates_ns = [timeline.utc_ns(bench.ticks(at_s)) for at_s in times(0, 3600, 0.5)]
    assert estimates_ns == sorted(estimates_ns)


def test_ticks_that_are_nonsense_move_nothing() -> None:
    bench = Bench(DriftingClock(), seed=8)
    for at_s in times(0, 300, 0.5):
        bench.frame(at_s, connection_event)
        if at_s % 60 < 0.5:
            bench.sync(at_s, connection_event, connection_event)
        bench.live_error_s(at_s)
        bench.clock.add_arrival(ticks=bench.ticks(at_s) + 5 * TICK_HZ, host_ns=ns(at_s))
    assert bench.live_error_s(299) < LIMIT_S
