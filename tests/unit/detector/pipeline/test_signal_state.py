"""When the reported state of a sensor changes."""

import numpy as np
import pytest
from crampwatch.detector.model.events import QUALITY_BITS, SignalState
from crampwatch.detector.pipeline.signal_state import SignalStateMachine, signal_codes
from crampwatch.protocol.kinds import EpisodeKind, Quality

GOOD, POOR, OFF, NO_DATA = 0, 1, 2, 3


def states(codes: list[int], kinds: tuple[EpisodeKind | None, ...] = ()) -> list[tuple[int, SignalState]]:
    machine = SignalStateMachine()
    changes = [change for hop, code in enumerate(codes) for change in machine.push(hop + 1, code, kinds=kinds)]
    return [(change.index, change.state) for change in changes]


@pytest.mark.parametrize(("hops", "is_reported"), [(9, False), (10, True)])
def test_a_bad_signal_is_reported_once_it_lasted_a_second(hops: int, is_reported: bool) -> None:
    changes = states([GOOD] + [OFF] * hops)
    assert changes == [(1, SignalState.REST), (11, SignalState.OFF_BODY)][: 1 + is_reported]


def test_another_fault_has_to_last_a_second_of_its_own() -> None:
    assert states([GOOD] + [OFF] * 9 + [NO_DATA] * 10) == [(1, SignalState.REST), (20, SignalState.NO_DATA)]


def test_a_good_signal_is_reported_at_once() -> None:
    assert states([NO_DATA] * 12 + [GOOD]) == [(10, SignalState.NO_DATA), (13, SignalState.REST)]


def test_an_episode_is_active_and_a_cramp_outweighs_others() -> None:
    assert states([GOOD], (None,)) == [(1, SignalState.ACTIVE)]
    assert states([GOOD], (EpisodeKind.TWITCH, EpisodeKind.CRAMP)) == [(1, SignalState.CRAMP)]
    assert states([POOR] * 10, (EpisodeKind.CRAMP,)) == [(10, SignalState.CRAMP)]


def test_hops_without_episodes_are_the_same_one_by_one_or_together() -> None:
    codes = np.array([GOOD] * 3 + [POOR] * 12 + [GOOD] * 5, np.int8)
    together, one_by_one = SignalStateMachine(), SignalStateMachine()
    changes = [*together.push_quiet(7, codes[:2], 100), *together.push_quiet(9, codes[2:], 100)]
    assert changes == [
        change for hop, code in enumerate(codes.tolist()) for change in one_by_one.push((8 + hop) * 100, code, kinds=())
    ]
    assert together.state() == one_by_one.state()


def test_the_code_of_a_hop_is_that_of_its_best_channel() -> None:
    lead_off, flat, no_data = (QUALITY_BITS[one] for one in (Quality.LEAD_OFF, Quality.FLAT, Quality.NO_DATA))
    mains = QUALITY_BITS[Quality.MAINS]
    rows = [[0, lead_off], [flat, lead_off], [lead_off, lead_off], [no_data, no_data], [mains, mains], [no_data, flat]]
    assert signal_codes(np.array(rows, np.uint16)).tolist() == [GOOD, POOR, OFF, NO_DATA, GOOD, POOR]
