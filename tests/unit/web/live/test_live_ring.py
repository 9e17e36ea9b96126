"""The ring of steps: bounded, late data fills its place, nothing is invented."""

import numpy as np
from crampwatch.web.live.ring import Floats, Ring
from hypothesis import given
from hypothesis import strategies as st


def ring(capacity: int = 10) -> Ring:
    return Ring(step_ns=1, capacity=capacity, channels=1, fields=2)


def write(target: Ring, first: int, *values: float) -> None:
    target.write(first, np.array([[[value, value]] for value in values], np.float32))


def shown(target: Ring) -> dict[int, float]:
    return {
        first + i: float(values[i, 0, 0])
        for first, values in target.all_segments()
        for i in range(len(values))
        if not np.isnan(values[i, 0, 0])
    }


def test_steps_older_than_the_ring_are_dropped() -> None:
    target = ring()
    write(target, 100, 1, 2, 3)
    write(target, 108, 9, 10, 11)
    assert shown(target) == {101: 2, 102: 3, 108: 9, 109: 10, 110: 11}


def test_skipped_steps_are_missing_not_zero() -> None:
    target = ring()
    write(target, 0, 1)
    write(target, 3, 4)
    ((first, values),) = target.all_segments()
    assert first == 0
    assert np.isnan(values[1:3]).all()


def test_late_steps_fill_their_place() -> None:
    target = ring()
    write(target, 0, 1)
    write(target, 3, 4)
    target.drain_changes()
    write(target, 1, 2, 3)
    ((first, values),) = target.drain_changes()
    assert (first, len(values)) == (1, 2)
    assert shown(target) == {0: 1, 1: 2, 2: 3, 3: 4}


def test_widening_keeps_the_extremes() -> None:
    target = ring()
    for low, high in ((-1, 1), (-5, 0), (0, 7)):
        target.widen(4, np.array([[low]], np.float32), np.array([[high]], np.float32))
    ((_, values),) = target.all_segments()
    assert values[0, 0].tolist() == [-5, 7]


def test_a_jump_beyond_the_ring_discards_everything_before() -> None:
    target = ring()
    write(target, 0, 1)
    write(target, 1_000_000, 2)
    assert shown(target) == {1_000_000: 2}
    assert sum(len(values) for _, values in target.drain_changes()) <= 10


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 25)), max_size=30))
def test_the_drained_changes_rebuild_the_ring(writes: list[tuple[int, int]]) -> None:
    source, copy = ring(), ring()
    for number, (first, count) in enumerate(writes):
        write(source, first, *[float(number)] * count)
        for at, values in source.drain_changes():
            copy.write(at, values)
    assert shown(copy) == shown(source)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 25)), max_size=30))
def test_the_ring_holds_what_a_dictionary_would(writes: list[tuple[int, int]]) -> None:
    target, expected, end = ring(), dict[int, float](), 0
    for number, (first, count) in enumerate(writes):
        write(target, first, *[float(number)] * count)
        begin, end = end - 10 if end else first, max(end, first + count)
        expected.update({step: float(number) for step in range(max(first, begin), first + count)})
    assert shown(target) == {step: value for step, value in expected.items() if step >= end - 10}


def test_values_are_single_precision() -> None:
    values: Floats = np.zeros((1, 1, 2), np.float32)
    target = ring()
    target.write(0, values)
    assert target.all_segments()[0][1].dtype == np.float32


def test_a_step_before_the_oldest_one_held_is_dropped() -> None:
    target = ring()
    assert not target.has_dropped(-1_000_000)
    write(target, 99, 1)
    assert not target.has_dropped(90)
    assert target.has_dropped(89)


def test_a_cleared_ring_starts_anywhere() -> None:
    target = ring()
    write(target, 99, 1)
    target.clear()
    assert (target.end, target.all_segments(), target.drain_changes()) == (None, [], [])
    write(target, 5, 2)
    assert shown(target) == {5: 2}
