import random

import pytest
from crampwatch.collector.policy.absence import Absence
from crampwatch.collector.policy.battery import BatteryForecast
from crampwatch.collector.policy.reconnection import Backoff
from crampwatch.collector.policy.watchdog import SilenceWatchdog

HOUR_NS = 3_600_000_000_000
S_NS = 1_000_000_000


def test_pauses_double_up_to_half_a_minute_and_go_on_for_ever() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next_pause_s() for _ in range(9)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert all(backoff.next_pause_s() == 30 for _ in range(5000))
    backoff.reset()
    assert backoff.next_pause_s() == 0.25


def test_pauses_are_jittered_down_to_a_half() -> None:
    backoff = Backoff(random.Random(1).random)
    pauses = [backoff.next_pause_s() for _ in range(200)][20:]
    assert min(pauses) >= 15
    assert max(pauses) <= 30
    assert len({round(pause) for pause in pauses}) > 10


def test_a_battery_that_falls_steadily_is_forecast() -> None:
    forecast = BatteryForecast()
    for hour in range(6):
        forecast.update(hour * HOUR_NS, 90 - 5 * hour)
    assert forecast.empty_at_ns == pytest.approx(18 * HOUR_NS, rel=1e-6)


def test_little_is_no_forecast() -> None:
    forecast = BatteryForecast()
    assert forecast.empty_at_ns is None
    forecast.update(0, 90)
    forecast.update(60_000_000_000, 85)
    assert forecast.empty_at_ns is None


def test_charging_begins_the_forecast_anew() -> None:
    forecast = BatteryForecast()
    for hour in range(6):
        forecast.update(hour * HOUR_NS, 90 - 5 * hour)
    forecast.update(7 * HOUR_NS, 100)
    assert forecast.empty_at_ns is None


def test_a_low_battery_is_told_once_each_time_it_runs_low() -> None:
    forecast = BatteryForecast()
    reported = []
    for percent in (40, 16, 15, 14, 9, 80, 14):
        forecast.update(0, percent)
        reported.append(forecast.has_just_run_low())
    assert reported == [False, False, True, False, False, False, True]


def test_silence_lasts_five_seconds() -> None:
    silence = SilenceWatchdog(100.0)
    assert not silence.has_expired(104.9)
    assert silence.has_expired(105.0)
    silence.note_samples(104.0)
    assert silence.expires_at_s() == 109.0
    assert not silence.has_expired(108.9)


def test_a_long_absence_is_told_once_and_so_is_the_return() -> None:
    absence = Absence()
    reported = [
        absence.update(at * 10**9, is_connected=at in {0, 3, 30, 31}) for at in (0, 2, 3, 4, 13, 14, 15, 20, 30, 31)
    ]
    assert reported == [None, None, None, None, None, "silent", None, None, "back", None]


def test_an_absence_is_long_from_ten_seconds_on() -> None:
    absence = Absence()
    assert absence.update(0, is_connected=False) is None
    assert absence.update(10 * S_NS - 1, is_connected=False) is None
    assert absence.since_ns == 0
    assert absence.update(10 * S_NS, is_connected=False) == "silent"


def test_short_absences_do_not_add_up() -> None:
    absence = Absence()
    for start_s in (0, 10, 20):
        assert absence.update(start_s * S_NS, is_connected=False) is None
        assert absence.update((start_s + 9) * S_NS, is_connected=False) is None
        assert absence.update((start_s + 9) * S_NS + 1, is_connected=True) is None
    assert absence.since_ns is None


@pytest.mark.parametrize(
    ("drop", "within_s", "is_forecast"),
    [(2, 600.0, True), (1, 600.0, False), (2, 599.9, False), (1, 7200.0, False), (50, 599.9, False)],
)
def test_a_forecast_needs_a_drop_of_two_percent_in_ten_minutes(drop: int, within_s: float, is_forecast: bool) -> None:
    forecast = BatteryForecast()
    forecast.update(0, 90)
    forecast.update(round(within_s * 1e9), 90 - drop)
    assert (forecast.empty_at_ns is not None) == is_forecast


def test_from_the_second_step_on_the_first_reading_does_not_count() -> None:
    forecast = BatteryForecast()
    for hour, percent in ((0, 90), (5, 89), (6, 84)):
        forecast.update(hour * HOUR_NS, percent)
    assert forecast.empty_at_ns == 6 * HOUR_NS + round(HOUR_NS * 84 / 5)
    forecast.update(8 * HOUR_NS, 79)
    assert forecast.empty_at_ns == 8 * HOUR_NS + round(3 * HOUR_NS * 79 / 10)


def test_equal_readings_are_no_steps() -> None:
    forecast = BatteryForecast()
    for hour, percent in ((0, 90), (1, 80), (2, 80), (3, 80)):
        forecast.update(hour * HOUR_NS, percent)
    assert forecast.empty_at_ns == 9 * HOUR_NS


def test_a_forecast_uses_the_latest_64_steps() -> None:
    forecast = BatteryForecast()
    for step in range(70):
        forecast.update(step * HOUR_NS, 100 - step)
    assert len(forecast._steps) == 65
    assert forecast._steps[1] == (6 * HOUR_NS, 94)


def test_a_battery_that_rises_but_stays_low_is_not_reported_again() -> None:
    forecast = BatteryForecast()
    reported = []
    for percent in (14, 15, 14, 16, 15):
        forecast.update(0, percent)
        reported.append(forecast.has_just_run_low())
    assert reported == [True, False, False, False, True]


def test_the_first_pauses_grow_from_a_quarter_of_a_second_and_are_never_below_half_of_that() -> None:
    backoff = Backoff(lambda: 0.0)
    assert [backoff.next_pause_s() for _ in range(3)] == [0.125, 0.25, 0.5]
    assert Backoff(lambda: 1.0, longest_s=0.2).next_pause_s() == 0.2
