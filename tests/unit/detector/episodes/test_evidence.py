"""What is measured of an episode, and from when on: each bound of the evidence."""

import math

import numpy as np
import pytest
from crampwatch.detector.episodes.evidence import Evidence, Excerpt, gather_evidence, gather_onset_evidence
from crampwatch.detector.episodes.release_time import release_s
from crampwatch.detector.episodes.rhythm import LEAST_DEPTH, find_rhythm
from crampwatch.detector.signal.grid import Grid
from crampwatch.detector.signal.history import History
from signals.made_up_history import GRID, Array, history_of_bins, history_of_hops


def contraction(first: int, last: int, *, hops: int = 100, power: float = 101.0, channels: int = 2) -> History:
    """Return a history with a contraction of the first channel from hop `first` to before hop `last`."""
    powers = np.ones((hops, channels))
    powers[first:last, 0] = power
    return history_of_hops(powers)


def excerpt(history: History, first: int, last: int, *, grid: Grid = GRID) -> Excerpt:
    return Excerpt.of(history, grid, onset_bin=5 * first, end_bin=5 * last, channel=0)


def evidence(history: History, first: int, last: int, *, grid: Grid = GRID) -> Evidence:
    one = excerpt(history, first, last, grid=grid)
    return gather_evidence(one, gather_onset_evidence(one), own_effort=20.0)


def test_amplitudes_are_those_of_the_plateau() -> None:
    found = evidence(contraction(40, 80), 40, 80)
    assert found.age_s == pytest.approx(4.0)
    assert found.rms_uv == pytest.approx(10.0)
    assert found.snr_db == pytest.approx(20.0)
    assert found.own_share == pytest.approx(0.5)
    assert found.sag == found.trend == pytest.approx(1.0)
    assert found.kurtosis == pytest.approx(3.0)
    assert found.onset.rise_s == 0.0


def test_the_plateau_is_what_a_fifth_of_the_hops_exceeds() -> None:
    history = contraction(40, 60)
    history.measures.power[40:45, 0] = 401.0
    assert excerpt(history, 40, 60).plateau == pytest.approx(400.0)
    history.measures.power[44, 0] = 101.0
    assert excerpt(history, 40, 60).plateau == pytest.approx(100.0)


def test_the_rise_ends_at_70_percent_of_the_amplitude() -> None:
    for share, rise_s in ((0.48, 1.0), (0.5, 0.5)):
        history = contraction(40, 80)
        history.measures.power[40:45, 0] = 1.0
        history.measures.power[45:50, 0] = 1.0 + 100.0 * share
        assert excerpt(history, 40, 80).plateau == pytest.approx(100.0)
        found = gather_onset_evidence(excerpt(history, 40, 80)).rise_s
        assert found == pytest.approx(rise_s, abs=0.11)


@pytest.mark.parametrize(("missing_hops", "is_seen"), [(2, True), (3, False)])
def test_an_onset_as_the_signal_comes_back_was_not_seen(missing_hops: int, is_seen: bool) -> None:
    history = contraction(40, 80)
    history.measures.power[40 - missing_hops : 40] = np.nan
    onset = gather_onset_evidence(excerpt(history, 40, 80))
    assert math.isfinite(onset.rise_s) is is_seen
    assert math.isfinite(onset.early) is is_seen


@pytest.mark.parametrize(("first", "is_known"), [(4, False), (5, True)])
def test_a_jolt_is_known_if_there_was_half_a_second_before(first: int, is_known: bool) -> None:
    found = gather_onset_evidence(excerpt(contraction(first, 40), first, 40))
    assert math.isfinite(found.motion_jump_db) is is_known


def test_a_jolt_is_compared_with_five_seconds_before() -> None:
    history = contraction(60, 90)
    history.measures.motion[10:59] = 4.0
    history.measures.motion[59] = 1e6  # the hop into which the onset may reach
    history.measures.motion[62] = 4e6
    onset = gather_onset_evidence(excerpt(history, 60, 90))
    assert onset.motion_before[0] == 4.0
    assert onset.motion_jump_db == pytest.approx(60.0, abs=0.01)


def test_other_channels_are_compared_at_the_onset_and_since() -> None:
    history = contraction(40, 80)
    history.measures.power[52:80, 1] = 26.0
    found = evidence(history, 40, 80)
    assert found.spread == pytest.approx(0.5)
    assert found.other_db == pytest.approx(10 * math.log10(25.0))
    assert found.onset.spread < 1e-3
    alone = evidence(contraction(40, 80, channels=1), 40, 80)
    assert math.isnan(alone.spread)
    assert math.isnan(alone.other_db)


@pytest.mark.parametrize(("hops", "rate_hz", "is_known"), [(9, 1000.0, False), (10, 1000.0, True), (10, 499.0, False)])
def test_wavering_needs_ten_hops_and_a_wide_band(hops: int, rate_hz: float, is_known: bool) -> None:
    grid = Grid(rate_hz, round(rate_hz * 0.02))
    found = evidence(contraction(40, 40 + hops), 40, 40 + hops, grid=grid)
    assert math.isfinite(found.wavering) is is_known


@pytest.mark.parametrize(("hops", "is_known"), [(14, False), (15, True)])
def test_unsteadiness_needs_one_and_a_half_seconds(hops: int, is_known: bool) -> None:
    assert math.isfinite(evidence(contraction(40, 40 + hops), 40, 40 + hops).unsteadiness) is is_known


def test_a_gap_is_no_rest_between_beats() -> None:
    history = contraction(40, 80)
    history.measures.power[50:60] = np.nan
    history.measures.bin_power[250:300] = np.nan
    found = excerpt(history, 40, 80)
    assert len(found.level) == 30
    assert len(found.bin_power) == 150
    assert found.level.min() == pytest.approx(100.0)


def test_a_floor_that_became_unknown_is_the_latest_known_one() -> None:
    history = contraction(40, 80)
    history.floor[:30, 0], history.floor[30:, 0], history.floor[:, 1] = 2.0, np.nan, np.nan
    assert excerpt(history, 40, 80).floor.tolist() == [2.0, 1.0]


def envelope(hz: float, low: float, *, seconds: float = 6.0) -> Array:
    """Return bins that are strong for half of each period and `low` for the other."""
    t_s = np.arange(round(seconds / 0.02)) * 0.02
    return np.where((t_s * hz) % 1.0 < 0.5, 100.0, low)


@pytest.mark.parametrize("hz", [0.5, 1.0, 2.5, 5.0])
def test_a_rhythm_has_the_frequency_of_its_beats(hz: float) -> None:
    rhythm = find_rhythm(envelope(hz, 1.0, seconds=8.0), 1.0, 0.02)
    assert rhythm.hz == pytest.approx(hz, rel=0.05)
    assert rhythm.strength > 0.7
    assert rhythm.depth == pytest.approx(1.0, abs=0.05)


def test_what_hardly_falls_between_beats_is_no_rhythm() -> None:
    def depth(low: float) -> float:
        return 1.0 - math.log((low + 1.0) / 2.0) / math.log(101.0 / 2.0)

    for low in (8.0, 9.0):
        is_rhythm = depth(low) > LEAST_DEPTH
        assert math.isfinite(find_rhythm(envelope(1.0, low), 1.0, 0.02).hz) is is_rhythm
    assert depth(8.0) > LEAST_DEPTH > depth(9.0)


def test_a_rhythm_needs_three_periods_and_a_second() -> None:
    assert math.isfinite(find_rhythm(envelope(1.0, 1.0, seconds=4.0), 1.0, 0.02).hz)
    assert math.isnan(find_rhythm(envelope(1.0, 1.0, seconds=2.5), 1.0, 0.02).hz)
    assert math.isnan(find_rhythm(envelope(8.0, 1.0, seconds=0.98), 1.0, 0.02).hz)
    assert math.isfinite(find_rhythm(envelope(8.0, 1.0, seconds=1.0), 1.0, 0.02).hz)


@pytest.mark.parametrize(("share", "expected_s"), [(0.69, 0.2), (0.71, 1.2)])
def test_a_release_begins_below_70_percent_of_the_plateau(share: float, expected_s: float) -> None:
    bin_power = np.ones((300, 1))
    bin_power[100:200] = 1.0 + 10_000.0
    bin_power[200:250] = 1.0 + 10_000.0 * share**2
    history = history_of_bins(bin_power)
    found = release_s(history, GRID, onset_bin=100, end_bin=250, channel=0)
    assert (found < 0.3) is (expected_s > 1.0)


def test_a_release_of_something_shorter_than_the_smoothing_is_unknown() -> None:
    history = contraction(40, 80)
    assert math.isnan(release_s(history, GRID, onset_bin=200, end_bin=209, channel=0))
    assert math.isfinite(release_s(history, GRID, onset_bin=200, end_bin=210, channel=0))
