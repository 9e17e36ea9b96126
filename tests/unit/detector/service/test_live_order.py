from crampwatch.detector.service.reorder import EarlyBlocks
from hypothesis import given
from hypothesis import strategies as st


@given(st.permutations(range(20)))
def test_blocks_in_any_order_come_out_in_theirs(order: list[int]) -> None:
    early, taken = EarlyBlocks[int](), 0
    for n in order:
        early.add(n, n)
        while (item := early.pop_next(taken, is_patient=True)) is not None:
            assert item == taken
            taken += 1
    assert taken == 20
    assert len(early) == 0


def test_who_is_no_longer_patient_gets_what_comes_after_a_gap() -> None:
    early = EarlyBlocks[str]()
    early.add(300, "late")
    early.add(200, "early")
    assert early.pop_next(100, is_patient=True) is None
    assert early.pop_next(100, is_patient=False) == "early"
    assert early.drain() == ["late"]


def test_what_is_known_already_does_not_wait() -> None:
    early = EarlyBlocks[str]()
    early.add(50, "known")
    assert early.pop_next(100, is_patient=True) == "known"
