"""What lost packets and longer gaps do to the episodes that are reported."""

import numpy as np
import pytest
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import ReasonCode
from signals.detector_recordings import Array, stream
from signals.muscle_generator import Scene, cramp

_RATE_HZ = 1000.0
_ONSET_S = 30.0


def scene_with_a_cramp(seed: int) -> tuple[Array, float]:
    """Return a recording and the end of the cramp in it."""
    scene = Scene(np.random.default_rng(seed), _RATE_HZ, 2, 120.0, floor_uv=2.0, strength=2.0)
    return scene.emg, cramp(scene, _ONSET_S)


def sustained(emg: Array) -> list[Episode]:
    episodes = analyse_recording(stream(_RATE_HZ, emg.shape[1]), emg)
    return [one for one in episodes if one.offset_s - one.onset_s > 1.0]


@pytest.mark.parametrize("gap_s", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("seed", [3, 5])
def test_a_gap_does_not_cut_a_contraction_in_two(seed: int, gap_s: float) -> None:
    emg, end_s = scene_with_a_cramp(seed)
    for begin_s in (_ONSET_S + 3.0, _ONSET_S + 7.0):
        emg[round(begin_s * _RATE_HZ) : round((begin_s + gap_s) * _RATE_HZ)] = np.nan
    (one,) = sustained(emg)
    assert one.kind is EpisodeKind.CRAMP
    assert one.onset_s == pytest.approx(_ONSET_S, abs=0.5)
    assert one.offset_s == pytest.approx(end_s, abs=1.0)


def test_the_onset_of_a_contraction_that_is_there_as_the_signal_returns_is_unknown() -> None:
    emg, _ = scene_with_a_cramp(3)
    emg[round((_ONSET_S - 3.0) * _RATE_HZ) : round((_ONSET_S + 5.0) * _RATE_HZ)] = np.nan
    (one,) = sustained(emg)
    codes = {reason.code for reason in one.why}
    assert ReasonCode.BEGINNING_UNSEEN in codes
    assert not codes & {ReasonCode.AT_ONCE, ReasonCode.BUILT_UP}


@pytest.mark.parametrize("gap_s", [0.02, 0.2, 0.5, 1.5])
def test_a_gap_in_strong_mains_is_not_taken_for_muscle(gap_s: float) -> None:
    rng = np.random.default_rng(9)
    t_s = np.arange(round(120 * _RATE_HZ)) / _RATE_HZ
    emg = (rng.normal(0.0, 2.0, len(t_s)) + 20.0 * np.sin(2 * np.pi * 50.0 * t_s))[:, None]
    for begin_s in rng.uniform(20.0, 115.0, 12):
        emg[round(begin_s * _RATE_HZ) : round((begin_s + gap_s) * _RATE_HZ)] = np.nan
    assert {one.kind for one in analyse_recording(stream(_RATE_HZ, 1), emg)} <= {EpisodeKind.ARTEFACT}
