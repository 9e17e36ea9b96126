from crampwatch.decoding.counters import unwrap, unwrap_nearest
from crampwatch.decoding.intervals import IntervalSet
from hypothesis import given
from hypothesis import strategies as st

_SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=40)


@given(_SPANS, st.integers(0, 60), st.integers(0, 80))
def test_an_interval_set_agrees_with_a_set_of_integers(spans: list[tuple[int, int]], low: int, high: int) -> None:
    have, plain = IntervalSet(), set[int]()
    for start, length in spans:
        fresh = {index for a, b in have.add(start, start + length) for index in range(a, b)}
        assert fresh == set(range(start, start + length)) - plain
        plain |= set(range(start, start + length))
    gaps = have.gaps(low, high)
    assert {index for a, b in gaps for index in range(a, b)} == set(range(low, high)) - plain
    assert all(a < b for a, b in gaps)
    assert have.covered == len(plain)
    assert len(have) == sum(index - 1 not in plain for index in plain)


@given(st.integers(0, 2**40), st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_counter_is_followed_beyond_its_wrap(near: int, offset: int) -> None:
    true = near + offset
    if true >= 0:
        assert unwrap(true % 2**32, near) == true


@given(st.integers(-(2**40), 2**40), st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_clock_is_followed_on_both_sides_of_zero(near: int, offset: int) -> None:
    true = near + offset
    assert unwrap_nearest(true % 2**32, near) == true
