"""Which bins begin and hold an episode: each ratio at its bound."""

import numpy as np
import pytest
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.signal.activity import PAST_BINS, Activity, ActivityRule
from crampwatch.detector.signal.grid import Grid
from scipy.stats import chi2
from signals.made_up_history import GRID

RULE = ActivityRule(single_ratio=10.0, smooth_ratio=4.0, hold_ratio=2.0)
TAIL_SHARE = 0.2


def found(*bins: float, past: dict[int, float] | None = None) -> Activity:
    """Return the activity of five bins over a floor of 1, after rest; `past` has bins before them by their distance."""
    power = np.zeros((PAST_BINS + 5, 1))
    for before, value in (past or {}).items():
        power[PAST_BINS - before] = value
    power[PAST_BINS : PAST_BINS + len(bins), 0] = bins
    return RULE.find_active(power, np.ones((5, 1)), TAIL_SHARE)


@pytest.mark.parametrize(("power", "begins"), [(4.0, False), (4.01, True)])
def test_three_bins_together_begin_an_episode(power: float, begins: bool) -> None:
    assert found(power, power, power).begins[:, 0].tolist() == [False, False, begins, False, False]


@pytest.mark.parametrize(("power", "begins"), [(10.0, False), (10.01, True)])
def test_a_very_strong_bin_begins_one_alone(power: float, begins: bool) -> None:
    assert found(power).begins[0, 0] == begins


@pytest.mark.parametrize(("single", "holds"), [(1.2, False), (1.21, True)])
def test_a_bin_holds_by_its_neighbours_only_if_it_is_above_rest_itself(single: float, holds: bool) -> None:
    assert found(3.5, 3.5, single).holds[2, 0] == holds


@pytest.mark.parametrize(("power", "holds"), [(2.0, False), (2.01, True)])
def test_three_bins_at_twice_the_floor_hold_an_episode(power: float, holds: bool) -> None:
    assert found(power, power, power).holds[2, 0] == holds


@pytest.mark.parametrize(("power", "holds"), [(4.0, False), (4.01, True)])
def test_one_bin_at_the_onset_ratio_holds_an_episode_alone(power: float, holds: bool) -> None:
    assert found(power).holds[0, 0] == holds


@pytest.mark.parametrize(("strongest", "begins"), [(149.0, True), (151.0, False)])
def test_what_is_below_a_fifth_of_the_last_seconds_is_only_its_tail(strongest: float, begins: bool) -> None:
    burst = dict.fromkeys((20, 21, 22), strongest)
    active = found(6.0, 6.0, 6.0, past=burst)
    assert active.begins[2, 0] == begins
    assert active.holds[2, 0] == begins
    assert active.lingers[2, 0], "a cramp goes on in its tail"


@pytest.mark.parametrize(("before", "begins"), [(200, False), (201, True)])
def test_a_tail_is_over_after_four_seconds(before: int, begins: bool) -> None:
    assert found(6.0, 6.0, 6.0, past={before: 9000.0}).begins[2, 0] == begins


def test_what_cannot_be_active_has_an_infinite_floor() -> None:
    power = np.full((PAST_BINS + 5, 1), 1e9)
    active = RULE.find_active(power, np.full((5, 1), np.inf), TAIL_SHARE)
    assert not active.begins.any()
    assert not active.lingers.any()


def test_hops_name_their_first_and_last_active_bin() -> None:
    bins = np.zeros((10, 1), bool)
    bins[2:4] = True
    numbers = np.array([[1.5], [0.0]])
    first, second = Activity(bins, bins, bins).by_hop(numbers, numbers, np.array([[True], [False]]))
    assert (first.begin_bin, first.hold_bin, first.linger_bin, first.present) == ([2], [3], [3], [True])
    assert (second.begin_bin, second.hold_bin, second.linger_bin, second.present) == ([-1], [-1], [-1], [False])


def test_the_quick_test_never_misses_what_begins() -> None:
    floor = np.ones((5, 1))
    for power, may_begin in ((4.0, False), (4.01, True), (np.nan, False)):
        assert RULE.may_begin(np.full((5, 1), power), floor) is may_begin


@pytest.mark.parametrize("rate_hz", [250.0, 500.0, 1000.0, 2000.0])
def test_false_onsets_on_noise_are_as_rare_as_configured(rate_hz: float) -> None:
    config = DetectorConfig(least_onset_ratio=0.0)
    grid = Grid.at_rate(rate_hz)
    freedom = 2.0 * (min(350.0, 0.45 * rate_hz) - 20.0) * grid.bin_s * 0.85 * 3
    exact = float(chi2.isf(config.false_onset_probability, freedom)) / freedom
    assert ActivityRule.at_rate(grid, config).smooth_ratio == pytest.approx(1.3 * exact, rel=0.08)


def test_the_configured_ratios_are_the_least_whatever_the_noise() -> None:
    strict = DetectorConfig(least_onset_ratio=50.0, hold_ratio=30.0)
    rule = ActivityRule.at_rate(GRID, strict)
    assert (rule.smooth_ratio, rule.hold_ratio) == (50.0, 30.0)
    assert rule.single_ratio == pytest.approx(2.0 * 50.0 / 1.4)
