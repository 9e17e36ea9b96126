"""When brief events are a series, and when a series is a heart: each condition just met, and just missed."""

from dataclasses import replace
from itertools import accumulate

import pytest
from crampwatch.detector.episodes.bursts import FEWEST_BEATS, Beat, is_continued_by, is_heart, is_regular


def beats_at(*onsets_s: float, peak: float = 50.0, duration_s: float = 0.1, mean_hz: float = 40.0) -> list[Beat]:
    return [Beat(onset_s, duration_s, peak, mean_hz) for onset_s in onsets_s]


def every(interval_s: float, count: int = FEWEST_BEATS) -> list[Beat]:
    return beats_at(*(interval_s * place for place in range(count)))


def alternating(interval_s: float, deviation: float) -> list[Beat]:
    """Return five beats whose four intervals have the given coefficient of variation."""
    shares = (1.0 - deviation, 1.0 + deviation, 1.0 - deviation, 1.0 + deviation)
    return beats_at(*accumulate((interval_s * share for share in shares), initial=0.0))


def test_four_events_are_no_series_yet() -> None:
    assert is_regular(every(1.0, 5))
    assert not is_regular(every(1.0, 4))


@pytest.mark.parametrize(("deviation", "expected"), [(0.29, True), (0.31, False)])
def test_a_series_is_evenly_spaced(deviation: float, expected: bool) -> None:
    assert is_regular(alternating(1.0, deviation)) is expected


@pytest.mark.parametrize(("interval_s", "expected"), [(0.19, False), (0.21, True), (3.49, True), (3.51, False)])
def test_a_series_has_the_pace_of_a_movement(interval_s: float, expected: bool) -> None:
    assert is_regular(every(interval_s)) is expected


@pytest.mark.parametrize(("ratio", "expected"), [(2.99, True), (3.0, False)])
def test_the_events_of_a_series_are_alike(ratio: float, expected: bool) -> None:
    one, *others = every(1.0)
    assert is_regular([replace(one, peak=ratio * one.peak), *others]) is expected


@pytest.mark.parametrize(("interval_s", "expected"), [(0.39, False), (0.4, True), (1.6, True), (1.61, False)])
def test_a_heart_has_37_to_150_beats_a_minute(interval_s: float, expected: bool) -> None:
    assert is_heart(every(interval_s)) is expected


@pytest.mark.parametrize(("deviation", "expected"), [(0.14, True), (0.16, False)])
def test_a_heart_is_more_even_than_a_movement(deviation: float, expected: bool) -> None:
    assert is_heart(alternating(1.0, deviation)) is expected


@pytest.mark.parametrize(("duration_s", "expected"), [(0.3, True), (0.31, False)])
def test_a_heartbeat_is_short(duration_s: float, expected: bool) -> None:
    assert is_heart(beats_at(0.0, 1.0, 2.0, 3.0, 4.0, duration_s=duration_s)) is expected


@pytest.mark.parametrize(("mean_hz", "expected"), [(51.9, True), (52.0, False)])
def test_a_heartbeat_is_slower_than_a_muscle(mean_hz: float, expected: bool) -> None:
    assert is_heart(beats_at(0.0, 1.0, 2.0, 3.0, 4.0, mean_hz=mean_hz)) is expected


@pytest.mark.parametrize(("waited_s", "expected"), [(3.39, True), (3.41, False)])
def test_two_beats_may_be_missed_but_not_three(waited_s: float, expected: bool) -> None:
    assert is_continued_by(every(1.0), beats_at(4.0 + waited_s)[0]) is expected


@pytest.mark.parametrize(
    ("peak", "expected"), [(50.0 / 6.01, False), (50.0 / 5.99, True), (299.0, True), (300.0, False)]
)
def test_a_beat_six_times_larger_or_smaller_is_another_event(peak: float, expected: bool) -> None:
    assert is_continued_by(every(1.0), beats_at(5.0, peak=peak)[0]) is expected
