"""What speaks for a cramp does so whichever sensor it is, and says why."""

import math
from dataclasses import replace

import pytest
from crampwatch.detector.episodes.classifier import classify
from crampwatch.detector.episodes.cramp_model import MULTI, ONE, WEIGHTS, cramp_arguments
from crampwatch.detector.episodes.evidence import Evidence, OnsetEvidence
from crampwatch.detector.episodes.rhythm import NO_RHYTHM
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import ReasonCode

ONSET = OnsetEvidence(2.0, 0.2, 0.05, 0.0, 0.01, 3.0, (1.0, 1.0), (1.0, 1.0))
CRAMP = Evidence(
    onset=ONSET,
    age_s=8.0,
    rms_uv=40.0,
    snr_db=25.0,
    spread=0.05,
    other_db=0.0,
    motion_ratio=0.01,
    kurtosis=3.0,
    mean_hz=90.0,
    rhythm=NO_RHYTHM,
    unsteadiness=0.4,
    wavering=0.36,
    sag=0.6,
    mains_ratio=0.0,
    mains_step=0.0,
    trend=0.95,
)


def kind(evidence: Evidence, *, was_cramp: bool = False) -> EpisodeKind:
    return classify(evidence, DetectorConfig(), ended=False, was_cramp=was_cramp, scale_known=True).kind


def test_a_local_contraction_that_builds_up_in_a_still_foot_is_a_cramp() -> None:
    odds, arguments = cramp_arguments(CRAMP)
    assert odds > 2.0
    assert all(argument.weight > 0 for argument in arguments[:3])
    assert kind(CRAMP) is EpisodeKind.CRAMP


def test_a_contraction_of_all_muscles_at_once_with_motion_is_a_movement() -> None:
    onset = replace(ONSET, rise_s=0.1, early=1.0, spread=0.8, other_db=22.0, motion_ratio=2.0, motion_jump_db=25.0)
    moved = replace(CRAMP, onset=onset, spread=0.8, other_db=23.0)
    odds, arguments = cramp_arguments(moved)
    assert odds < -3.0
    assert ReasonCode.OTHERS_ALONG in {one.reason.code for one in arguments if one.weight < 0}
    assert kind(moved) is EpisodeKind.LEG_MOVEMENT


@pytest.mark.parametrize("name", sorted(WEIGHTS.keys() - {ONE, MULTI}))
def test_no_weight_is_negative(name: str) -> None:
    assert WEIGHTS[name] >= 0.0


def test_crosstalk_of_a_strong_cramp_is_not_held_against_it() -> None:
    onset = replace(ONSET, spread=0.15, other_db=18.0)
    strong = replace(CRAMP, onset=onset, spread=0.15, other_db=18.0, snr_db=35.0)
    assert kind(strong) is EpisodeKind.CRAMP


def test_one_channel_is_classified_without_the_terms_of_others() -> None:
    alone = replace(CRAMP, onset=replace(ONSET, spread=math.nan, other_db=math.nan), spread=math.nan, other_db=math.nan)
    odds, arguments = cramp_arguments(alone)
    assert math.isfinite(odds)
    assert ReasonCode.ONE_CHANNEL in {one.reason.code for one in arguments}


def test_power_steadier_than_a_muscles_weighs_against_a_cramp() -> None:
    odds, arguments = cramp_arguments(replace(CRAMP, wavering=0.2))
    assert odds < cramp_arguments(CRAMP)[0] - 1.5
    weightiest = min(arguments, key=lambda one: one.weight)
    assert weightiest.reason.code == "like_noise"
    narrow = replace(CRAMP, wavering=math.nan)  # at 250 Hz noise and muscle waver alike
    assert cramp_arguments(narrow)[0] == cramp_arguments(CRAMP)[0]


def test_rest_between_beats_weighs_against_a_cramp_but_not_in_its_first_seconds() -> None:
    beats = replace(CRAMP, sag=0.1)
    assert kind(beats) is not EpisodeKind.CRAMP
    young, old = replace(beats, age_s=3.0), replace(beats, age_s=5.0)
    assert cramp_arguments(young)[0] > cramp_arguments(old)[0] + 2.0


def test_an_old_cramp_remains_one_while_its_last_units_fire() -> None:
    tail = replace(CRAMP, age_s=40.0, trend=0.1, kurtosis=9.0, sag=0.1, unsteadiness=-0.3)
    assert kind(tail, was_cramp=True) is EpisodeKind.CRAMP
