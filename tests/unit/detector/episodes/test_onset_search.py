"""Where an episode begins: traced back, or found on top of a weaker one; each condition at its bound."""

import numpy as np
import pytest
from crampwatch.detector.episodes.onset_search import find_burst, find_first_discharge, find_outgrowth
from crampwatch.detector.signal.history import History
from signals.made_up_history import GRID, Array, history_of_bins, history_of_hops

TRIGGER = 250
FIRST_HOP = 7


def traced_back(history: History, *, earliest_bin: int = 0) -> int:
    base = history.first_hop * 5
    return (
        find_first_discharge(
            history,
            GRID,
            channel=0,
            trigger_bin=base + TRIGGER,
            hop=history.first_hop + TRIGGER // 5,
            earliest_bin=earliest_bin,
        )
        - base
    )


def resting(*discharges: int, power: float = 10.0) -> Array:
    """Return the power of 6 s of rest, with discharges in the given bins and activity from `TRIGGER` on."""
    bin_power = np.ones((300, 1))
    bin_power[list(discharges)] = power
    bin_power[TRIGGER:] = 100.0
    return bin_power


@pytest.mark.parametrize(("discharge", "expected"), [(231, 231), (230, 230), (229, TRIGGER)])
def test_discharges_more_than_04_s_apart_are_another_event(discharge: int, expected: int) -> None:
    assert traced_back(history_of_bins(resting(discharge))) == expected


def test_a_train_of_discharges_is_followed_from_one_to_the_next() -> None:
    assert traced_back(history_of_bins(resting(235, 220, 205, 190, 160), first_hop=FIRST_HOP)) == 190


@pytest.mark.parametrize(("power", "expected"), [(4.0, TRIGGER), (4.01, 240)])
def test_a_discharge_is_four_times_the_floor(power: float, expected: int) -> None:
    assert traced_back(history_of_bins(resting(240, power=power))) == expected


def test_an_onset_is_at_most_3_s_before_its_trigger() -> None:
    assert traced_back(history_of_bins(resting(*range(60, TRIGGER, 10)))) == TRIGGER - 150


def test_an_onset_is_not_before_the_end_of_an_earlier_episode() -> None:
    history = history_of_bins(resting(*range(200, TRIGGER)), first_hop=FIRST_HOP)
    assert traced_back(history, earliest_bin=FIRST_HOP * 5 + 221) == 221


def test_a_discharge_counts_only_where_the_signal_is_usable() -> None:
    history = history_of_bins(resting(*range(240, TRIGGER)))
    history.usable[48] = False  # bins 240 to 244
    assert traced_back(history) == 245


@pytest.mark.parametrize(("power", "expected"), [(249.0, None), (251.0, 95 + 5 * FIRST_HOP)])
def test_a_burst_stands_14_db_above_the_second_before(power: float, expected: int | None) -> None:
    bin_power = np.full((100, 1), 10.0)
    bin_power[95:] = power
    assert find_burst(history_of_bins(bin_power, first_hop=FIRST_HOP), FIRST_HOP + 19, 0) == expected


@pytest.mark.parametrize(("place", "expected"), [(39, 95), (40, None)])
def test_a_burst_is_compared_with_a_second_not_with_more(place: int, expected: int | None) -> None:
    bin_power = np.full((100, 1), 1.0)
    bin_power[place] = 100.0
    bin_power[95:] = 500.0
    assert find_burst(history_of_bins(bin_power), 19, 0) == expected


def outgrown(weak: float, strong: float, *, strong_hops: int = 10) -> Array:
    power = np.full((60, 1), weak)
    power[60 - strong_hops :] = strong
    return power


@pytest.mark.parametrize(("strong", "expected"), [(11.9, None), (12.0, 5 * (50 + FIRST_HOP))])
def test_an_outgrowth_stands_11_db_above_what_was_held(strong: float, expected: int | None) -> None:
    history = history_of_hops(outgrown(1.0, strong), first_hop=FIRST_HOP)
    assert find_outgrowth(history, FIRST_HOP + 59, 0) == expected


def test_an_outgrowth_needs_six_seconds_without_a_gap() -> None:
    power = outgrown(1.0, 50.0)
    assert find_outgrowth(history_of_hops(power[1:]), 58, 0) is None
    power[10] = np.nan
    assert find_outgrowth(history_of_hops(power), 59, 0) is None


@pytest.mark.parametrize(("uneven", "expected"), [(2.49, 250), (2.51, None)])
def test_an_outgrowth_stands_on_something_held_evenly(uneven: float, expected: int | None) -> None:
    power = outgrown(1.0, 50.0)
    power[:4] = uneven  # the tenth of the weak four seconds that decides
    assert find_outgrowth(history_of_hops(power), 59, 0) == expected


@pytest.mark.parametrize(("strong_hops", "expected"), [(2, None), (3, 285), (20, 200)])
def test_an_outgrowth_is_there_in_most_of_the_last_half_second(strong_hops: int, expected: int | None) -> None:
    assert find_outgrowth(history_of_hops(outgrown(1.0, 50.0, strong_hops=strong_hops)), 59, 0) == expected
