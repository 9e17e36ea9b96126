"""Features on a screen: each value holds until the next, and missing ones stay missing."""

import numpy as np
import pytest
from crampwatch.store.model.series import Series
from crampwatch.web.night.model.features import mean_value, resample_features
from crampwatch.web.night.model.viewport import Span

T0_NS = 1_795_000_000_000_000_000
STEP_NS = 100_000_000


def make_series(*steps: int) -> Series:
    """Return a series with values at some steps of 0.1 s; the envelope is the number of the step."""
    values = np.array(steps, np.float64)[:, None]
    return Series(
        np.array([T0_NS + step * STEP_NS for step in steps], np.int64),
        {"envelope": values, "floor": values + 1000, "threshold": values + 2000},
    )


def envelope(series: Series | None, *, steps: int, columns: int) -> tuple[list[float | None], float]:
    values, step_ns = resample_features(series, Span(T0_NS, T0_NS + steps * STEP_NS, columns))
    return [None if np.isnan(value) else float(value) for value in values[:, 0, 0]], step_ns


def test_a_wide_screen_gets_the_detectors_own_steps() -> None:
    assert envelope(make_series(0, 1, 2, 3), steps=4, columns=1000) == ([0, 1, 2, 3], STEP_NS)


def test_a_narrow_screen_gets_one_step_a_column() -> None:
    assert envelope(make_series(*range(100)), steps=100, columns=2) == ([25, 75], 50 * STEP_NS)


def test_a_missing_value_is_a_gap_from_one_and_a_half_steps_on() -> None:
    # The middle of step 3 is 1.5 steps after the value of step 2.
    for shift_ns, held in ((-1_000_000, None), (1_000_000, 2)):
        series = make_series(0, 1, 2, 5, 6)
        series.t_ns[2] += shift_ns
        assert envelope(series, steps=7, columns=99)[0] == [0, 1, 2, held, None, 5, 6]


def test_nothing_is_shown_before_the_first_value() -> None:
    assert envelope(make_series(2, 3), steps=4, columns=99)[0] == [None, None, 2, 3]


def test_without_features_one_step_is_missing() -> None:
    assert envelope(None, steps=4, columns=99) == ([None], 4 * STEP_NS)


def test_a_single_value_has_the_detectors_step() -> None:
    assert envelope(make_series(1), steps=2, columns=99) == ([None, 1], STEP_NS)


def test_all_three_curves_are_shown_in_order() -> None:
    values, _ = resample_features(make_series(0, 1), Span(T0_NS, T0_NS + 2 * STEP_NS, 9))
    assert values[1, 0].tolist() == [1, 1001, 2001]


def test_a_mean_ignores_missing_values() -> None:
    series = make_series(0, 1, 2, 3)
    series.values["envelope"][2] = np.nan
    assert mean_value(series, "envelope", 0) == pytest.approx(4 / 3)
    series.values["envelope"][:] = np.nan
    assert mean_value(series, "envelope", 0) is None
    assert mean_value(series, "envelope", 1) is None
    assert mean_value(None, "envelope", 0) is None
