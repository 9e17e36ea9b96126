"""What is remembered of the measures, however they arrive."""

from itertools import pairwise

import numpy as np
import pytest
from crampwatch.detector.signal.history import REMEMBERED_HOPS, History
from signals.made_up_history import history_of_hops


def numbered(first: int, last: int) -> History:
    """Return measures whose power is the number of the hop."""
    return history_of_hops(np.arange(float(first), float(last))[:, None], first_hop=first)


def extended(cuts: list[int]) -> History:
    history = History.empty(1)
    for first, last in pairwise(cuts):
        block = numbered(first, last)
        row = history.extend(first, block.measures, block.usable)
        assert history.first_hop + row == first
        history.floor[row:] = 1.0
        history.trim()
    return history


@pytest.mark.parametrize("cuts", [[0, 1000], [0, 150, 199, 200, 201, 350, 1000], list(range(0, 1001, 2))])
def test_twenty_seconds_are_remembered_however_the_stream_was_cut(cuts: list[int]) -> None:
    history = extended(cuts)
    assert REMEMBERED_HOPS == 200
    assert (history.first_hop, history.hops) == (800, 200)
    assert history.measures.power[:, 0].tolist() == list(range(800, 1000))
    assert history.measures.bin_power[:, 0].tolist() == np.repeat(np.arange(800.0, 1000.0), 5).tolist()
    assert (history.floor == 1.0).all()


def test_a_look_never_depends_on_how_much_more_the_block_holds() -> None:
    history = History.empty(1)
    block = numbered(0, 500)
    history.extend(0, block.measures, block.usable)
    window = history.window(300)
    assert (window.first_hop, window.hops) == (101, 200)
    assert window.measures.power[-1, 0] == 300.0
    assert history.window(50).measures.power[:, 0].tolist() == list(range(51))


def test_after_a_jump_of_the_hop_number_nothing_is_remembered() -> None:
    history = extended([0, 100])
    block = numbered(150, 160)
    assert history.extend(150, block.measures, block.usable) == 0
    assert (history.first_hop, history.hops) == (150, 10)


def test_a_floor_that_is_not_decided_yet_is_unknown() -> None:
    history = History.empty(1)
    block = numbered(0, 3)
    history.extend(0, block.measures, block.usable)
    assert np.isnan(history.floor).all()
