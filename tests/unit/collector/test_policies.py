import random

import pytest
from crampwatch.collector.policy.absence import Absence
from crampwatch.collector.policy.battery import BatteryForecast
from crampwatch.collector.policy.reconnection import Backoff
from crampwatch.collector.policy.watchdog import SilenceWatchdog

HOUR_NS = 3_600_000_000_000


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
    told = []
    for percent in (40, 16, 15, 14, 9, 80, 14):
        forecast.update(0, percent)
        told.append(forecast.has_just_run_low())
    assert told == [False, False, True, False, False, False, True]


def test_silence_lasts_five_seconds() -> None:
    silence = SilenceWatchdog(100.0)
    assert not silence.has_expired(104.9)
    assert silence.has_expired(105.0)
    silence.note_samples(104.0)
    assert silence.expires_at_s() == 109.0
    assert not silence.has_expired(108.9)


def test_a_long_absence_is_told_once_and_so_is_the_return() -> None:
    absence = Absence()
    told = [
        absence.update(at * 10**9, is_connected=at in {0, 3, 30, 31}) for at in (0, 2, 3, 4, 13, 14, 15, 20, 30, 31)
    ]
    assert told == [None, None, None, None, None, "silent", None, None, "back", None]
