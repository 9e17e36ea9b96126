"""When a stage is started again."""

from crampwatch.app.supervise.restart_policy import RestartPolicy, StageHistory
from hypothesis import given
from hypothesis import strategies as st

KILLED = -9


def test_a_killed_stage_comes_back_quickly() -> None:
    assert StageHistory().pause_after_end_s(KILLED, ran_s=5) == 0.2


def test_pauses_grow_to_a_cap_and_begin_small_again_after_a_good_life() -> None:
    history = StageHistory(was_well=True)
    assert [history.pause_after_end_s(KILLED, ran_s=1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert history.pause_after_end_s(KILLED, ran_s=25) == 0.2


def test_one_that_never_was_well_and_says_that_trying_is_vain_is_given_up() -> None:
    assert StageHistory().pause_after_end_s(3, ran_s=1) is None
    assert StageHistory().pause_after_end_s(2, ran_s=1) is None


def test_one_that_was_well_is_never_given_up() -> None:
    history = StageHistory()
    assert history.pause_after_end_s(3, ran_s=3600) == 0.2
    assert all(history.pause_after_end_s(3, ran_s=1) for _ in range(100))


def test_one_that_dies_at_every_start_is_given_up_in_the_end() -> None:
    history = StageHistory(RestartPolicy(attempts=3))
    assert [history.pause_after_end_s(1, ran_s=0.5) for _ in range(3)] == [0.2, 0.4, None]


@given(st.lists(st.tuples(st.integers(-15, 255), st.floats(0, 1e5)), max_size=60))
def test_pauses_stay_between_first_and_cap(ends: list[tuple[int, float]]) -> None:
    history = StageHistory()
    for code, ran_s in ends:
        pause_s = history.pause_after_end_s(code, ran_s=ran_s)
        assert pause_s is None or 0.2 <= pause_s <= 10.0
