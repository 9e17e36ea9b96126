"""When a stage that ended is started again."""

import pytest
from crampwatch.app.cli.exits import NEVER_RETRY, ExitCode
from crampwatch.app.supervise.restart_policy import RestartPolicy, StageHistory
from hypothesis import given
from hypothesis import strategies as st

KILLED = -9


def test_a_killed_stage_is_restarted_quickly() -> None:
    assert StageHistory().pause_after_end_s(KILLED, ran_s=5) == 0.2


def test_pauses_double_up_to_the_longest_and_start_short_again_after_a_good_run() -> None:
    history = StageHistory(was_well=True)
    assert [history.pause_after_end_s(KILLED, ran_s=1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert history.pause_after_end_s(KILLED, ran_s=20) == 0.2


@pytest.mark.parametrize(("ran_s", "is_given_up"), [(20.0, False), (19.999, True)])
def test_a_run_of_20_s_counts_as_healthy(ran_s: float, is_given_up: bool) -> None:
    history = StageHistory()
    assert (history.pause_after_end_s(ExitCode.UNAVAILABLE, ran_s=ran_s) is None) == is_given_up


def test_an_exit_code_that_would_repeat_gives_up_a_stage_that_was_never_healthy() -> None:
    assert {ExitCode.USAGE, ExitCode.UNAVAILABLE, ExitCode.BAD_RECORDING} == NEVER_RETRY
    for code in NEVER_RETRY:
        assert StageHistory().pause_after_end_s(code, ran_s=1) is None
    assert StageHistory().pause_after_end_s(ExitCode.FAILURE, ran_s=1) == 0.2


def test_a_stage_that_was_healthy_once_is_never_given_up() -> None:
    history = StageHistory()
    assert history.pause_after_end_s(3, ran_s=3600) == 0.2
    assert all(history.pause_after_end_s(3, ran_s=1) for _ in range(100))


def test_a_stage_that_dies_at_every_start_is_given_up_at_the_sixth_end() -> None:
    history = StageHistory()
    assert [history.pause_after_end_s(1, ran_s=0.5) for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 3.2, None]


def test_pauses_can_be_computed_after_any_number_of_ends() -> None:
    history = StageHistory(RestartPolicy(longest_pause_s=1e12), was_well=True, ends_in_row=5_000)
    assert history.pause_after_end_s(KILLED, ran_s=1) == 0.2 * 2**30


@given(st.lists(st.tuples(st.integers(-15, 255), st.floats(0, 1e5)), max_size=60))
def test_pauses_stay_between_the_first_and_the_longest(ends: list[tuple[int, float]]) -> None:
    history = StageHistory()
    for code, ran_s in ends:
        pause_s = history.pause_after_end_s(code, ran_s=ran_s)
        assert pause_s is None or 0.2 <= pause_s <= 10.0
