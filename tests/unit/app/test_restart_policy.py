"""When a stage is started again."""

from crampwatch.app.supervise.restart import RestartPolicy, StageLife
from hypothesis import given
from hypothesis import strategies as st

KILLED = -9


def test_a_killed_stage_comes_back_quickly() -> None:
    assert StageLife().ended(KILLED, lived_s=5) == 0.2


def test_pauses_grow_to_a_cap_and_begin_small_again_after_a_good_life() -> None:
    life = StageLife(was_well=True)
    assert [life.ended(KILLED, lived_s=1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert life.ended(KILLED, lived_s=25) == 0.2


def test_one_that_never_was_well_and_says_that_trying_is_vain_is_given_up() -> None:
    assert StageLife().ended(3, lived_s=1) is None
    assert StageLife().ended(2, lived_s=1) is None


def test_one_that_was_well_is_never_given_up() -> None:
    life = StageLife()
    assert life.ended(3, lived_s=3600) == 0.2
    assert all(life.ended(3, lived_s=1) for _ in range(100))


def test_one_that_dies_at_every_start_is_given_up_in_the_end() -> None:
    life = StageLife(RestartPolicy(attempts=3))
    assert [life.ended(1, lived_s=0.5) for _ in range(3)] == [0.2, 0.4, None]


@given(st.lists(st.tuples(st.integers(-15, 255), st.floats(0, 1e5)), max_size=60))
def test_pauses_stay_between_first_and_cap(deaths: list[tuple[int, float]]) -> None:
    life = StageLife()
    for code, lived_s in deaths:
        pause_s = life.ended(code, lived_s=lived_s)
        assert pause_s is None or 0.2 <= pause_s <= 10.0
