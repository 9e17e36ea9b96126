"""What is learned as rest, and what is not: each rule of the noise floor at its bound."""

import numpy as np
import pytest
from crampwatch.detector.signal.noise_floor import NoiseFloor
from signals.made_up_history import Array

EVEN_HOPS = 50
LOWER_HALF_BIAS = 0.88


def learned(rest: float = 1.0, *, least: float = 0.01) -> NoiseFloor:
    """Return a floor of one channel that has seen five quiet slots."""
    floor = NoiseFloor(1, np.array([least]))
    for _ in range(5):
        update(floor, np.full(EVEN_HOPS, rest * LOWER_HALF_BIAS))
    return floor


def update(floor: NoiseFloor, powers: Array, *, mains: float = 0.0) -> None:
    against = np.broadcast_to(floor.levels()[0], (len(powers), 1))
    floor.update(powers[:, None], floor=against, mains=np.array([mains]))


def level(floor: NoiseFloor) -> float:
    return float(floor.levels()[0][0])


def unlike_hops(mean: float, spread: float) -> Array:
    """Return the powers of a slot whose logarithms have quartiles `spread` standard deviations of noise apart."""
    half = 1.349 * spread / 2
    return np.repeat(mean * np.exp([-half, half]), EVEN_HOPS // 2)


def test_slots_are_short_until_five_are_known() -> None:
    floor = NoiseFloor(1, np.array([0.01]))
    for _ in range(5):
        assert floor.slot_hops() == 10
        update(floor, np.full(10, 1.0))
    assert floor.slot_hops() == 50


def test_no_floor_is_below_the_least() -> None:
    assert level(learned(1.0, least=3.0)) == 3.0
    assert level(learned(1.0, least=0.5)) == pytest.approx(1.0)


def test_before_any_rest_the_floor_is_unknown_or_what_is_expected() -> None:
    floor = NoiseFloor(1, np.array([0.5]))
    assert np.isnan(level(floor))
    floor.expect(np.array([2.0]))
    assert level(floor) == 2.0


@pytest.mark.parametrize(("ratio", "is_quiet"), [(2.19, True), (2.2, False)])
def test_a_hop_is_quiet_below_22_times_the_floor(ratio: float, is_quiet: bool) -> None:
    floor = learned(1.0)
    update(floor, np.full(EVEN_HOPS, ratio * level(floor)))
    assert bool(floor.loud_slots[0] == 0) is is_quiet


@pytest.mark.parametrize(("quiet_hops", "is_quiet"), [(14, False), (15, True)])
def test_a_slot_is_quiet_if_three_tenths_of_it_are(quiet_hops: int, is_quiet: bool) -> None:
    floor = learned(1.0)
    powers = np.full(EVEN_HOPS, 100.0)
    powers[:quiet_hops] = 0.88
    update(floor, powers)
    assert bool(floor.loud_slots[0] == 0) is is_quiet


@pytest.mark.parametrize(("known_hops", "is_learned"), [(2, False), (3, True)])
def test_nothing_is_learned_from_fewer_than_three_hops(known_hops: int, is_learned: bool) -> None:
    floor = NoiseFloor(1, np.array([0.01]))
    powers = np.full(10, np.nan)
    powers[:known_hops] = 1.0
    update(floor, powers)
    assert bool(np.isfinite(level(floor))) is is_learned


@pytest.mark.parametrize(("ratio", "expected"), [(2.4, 2.4), (2.6, 1.0)])
def test_slots_within_4_db_of_the_quietest_are_the_same_rest(ratio: float, expected: float) -> None:
    floor = NoiseFloor(1, np.array([0.01]))
    floor.quiet[-8:, 0] = [1.0] * 4 + [ratio] * 4
    assert level(floor) == pytest.approx(expected)


def test_the_lower_half_of_a_quiet_slot_decides() -> None:
    floor = learned(1.0)
    for _ in range(30):
        update(floor, np.array([0.5] * 25 + [2.0] * 25))
    assert level(floor) == pytest.approx(0.5 / LOWER_HALF_BIAS)


def loud(floor: NoiseFloor, slots: int, *, spread: float = 0.3, drift: float = 0.0) -> None:
    """Let slots follow that are far above the floor; `drift` is the deviation of their level's logarithm."""
    for place in range(slots):
        update(floor, unlike_hops(1000.0 * np.exp(drift * (-1) ** place), spread))


@pytest.mark.parametrize(("slots", "is_new_rest"), [(35, False), (36, True)])
def test_a_level_as_steady_as_an_amplifier_is_rest_after_three_minutes(slots: int, is_new_rest: bool) -> None:
    floor = learned(1.0)
    loud(floor, slots, drift=0.09)
    assert (level(floor) > 100.0) is is_new_rest


def test_a_level_that_wavers_as_a_muscle_does_is_no_rest_after_three_minutes() -> None:
    floor = learned(1.0)
    loud(floor, 36, drift=0.11)
    assert level(floor) == pytest.approx(1.0)


@pytest.mark.parametrize(("slots", "is_new_rest"), [(239, False), (240, True)])
def test_after_20_minutes_any_level_is_rest(slots: int, is_new_rest: bool) -> None:
    floor = learned(1.0)
    loud(floor, slots, drift=0.5)
    assert (level(floor) > 100.0) is is_new_rest


@pytest.mark.parametrize(("slots", "spread", "is_new_rest"), [(5, 0.21, False), (6, 0.21, True), (6, 0.23, False)])
def test_noise_of_an_electrode_is_rest_after_half_a_minute(slots: int, spread: float, is_new_rest: bool) -> None:
    floor = learned(1.0)
    loud(floor, slots, spread=spread)
    assert (level(floor) > 100.0) is is_new_rest


def test_one_quiet_slot_ends_the_count_of_loud_ones() -> None:
    floor = learned(1.0)
    loud(floor, 5, spread=0.1)
    update(floor, np.full(EVEN_HOPS, 0.88))
    loud(floor, 1, spread=0.1)
    assert level(floor) == pytest.approx(1.0)
    assert floor.loud_slots[0] == 1


def expecting(power: float) -> NoiseFloor:
    floor = NoiseFloor(1, np.array([0.01]))
    floor.expect(np.array([power]))
    return floor


@pytest.mark.parametrize(("ratio", "is_contact"), [(39.0, True), (41.0, False)])
def test_no_contact_gets_16_db_worse_than_expected(ratio: float, is_contact: bool) -> None:
    floor = expecting(1.0)
    update(floor, np.full(10, ratio))
    assert (level(floor) > 1.0) is is_contact


@pytest.mark.parametrize(("deviation", "is_contact"), [(0.31, True), (0.33, False)])
def test_a_worse_contact_than_expected_is_as_steady_as_noise(deviation: float, is_contact: bool) -> None:
    floor = expecting(1.0)
    update(floor, 10.0 * np.exp(np.array([-deviation, deviation] * 5)))
    assert (level(floor) > 1.0) is is_contact


@pytest.mark.parametrize(("hops", "is_contact"), [(6, False), (7, True)])
def test_steadiness_takes_seven_hops_to_see(hops: int, is_contact: bool) -> None:
    floor = expecting(1.0)
    powers = np.full(10, np.nan)
    powers[:hops] = 10.0
    update(floor, powers)
    assert (level(floor) > 1.0) is is_contact


@pytest.mark.parametrize(("slots", "is_given_up"), [(60, False), (61, True)])
def test_what_is_expected_is_given_up_after_a_minute(slots: int, is_given_up: bool) -> None:
    floor = expecting(1.0)
    loud(floor, slots, spread=1.0, drift=0.5)
    assert (level(floor) > 100.0) is is_given_up


def test_mains_are_remembered_with_the_rest_they_were_beside() -> None:
    floor = NoiseFloor(1, np.array([0.01]))
    for mains in (4.0, 6.0):
        update(floor, np.full(10, 1.0), mains=mains)
    assert floor.levels()[1][0] == 5.0
    update(floor, np.full(10, 1.0), mains=20.0)
    assert floor.levels()[1][0] == 6.0
