"""What a calibration changes: a night that begins in a contraction, weak contractions, what is declared; no more."""

import math
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from crampwatch.detector.calibration.calibration import Calibration, ChannelCalibration, with_id
from crampwatch.detector.episodes.calibration_term import own_effort_arguments
from crampwatch.detector.episodes.classifier import Classification, classify
from crampwatch.detector.episodes.cramp_model import Argument
from crampwatch.detector.episodes.evidence import Evidence, OnsetEvidence
from crampwatch.detector.episodes.rhythm import NO_RHYTHM
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.model.events import Event, Features
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import ReasonCode
from hypothesis import given, settings
from hypothesis import strategies as st
from signals.detector_recordings import Array, stream
from signals.muscle_generator import Scene, cramp

RATE_HZ = 1000.0
MADE_NS = 1_700_000_000 * 10**9
ONSET = OnsetEvidence(2.0, 0.2, 0.05, 0.0, 0.01, 3.0, (1.0, 1.0), (1.0, 1.0))
WEAK = Evidence(ONSET, 8.0, 10.0, 15.0, 0.05, 0.0, 0.01, 3.0, 90.0, NO_RHYTHM, 0.4, 0.36, 0.6, 0.0, 0.0, 0.95)


def calibration(
    *, rest_uv: float = 2.0, own_uv: float = 150.0, rate_hz: float = RATE_HZ, index: int = 0
) -> Calibration:
    channel = ChannelCalibration(rest=rest_uv, curl=own_uv, own=own_uv, motion_db=None)
    bare = Calibration(rate_hz=rate_hz, unit="uV", lsb_uv=0.2, channels=(channel, channel), made_ns=MADE_NS)
    return with_id(msgspec.structs.replace(bare, valid_from_index=index))


def cramping(onset_s: float, *, seconds: float = 90.0, seed: int = 5) -> Array:
    scene = Scene(np.random.default_rng(seed), RATE_HZ, 2, seconds, 2.0, strength=2.0)
    cramp(scene, onset_s)
    return scene.emg


def cramps(emg: Array, known: Calibration | None) -> list[Episode]:
    found = analyse_recording(stream(RATE_HZ, 2), emg, calibration=known)
    return [one for one in found if one.kind is EpisodeKind.CRAMP]


def test_a_night_that_begins_in_a_cramp_is_recognised() -> None:
    emg = cramping(2.0)[8000:]
    (found,) = cramps(emg, calibration())
    assert found.onset_s < 0.5
    assert found.calibration.endswith("of 2023-11-14")
    assert ReasonCode.OWN_EFFORT in [reason.code for reason in found.why]
    assert all(one.onset_s > 0.5 and one.calibration == "" for one in cramps(emg, None))


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0])
@pytest.mark.parametrize("times", [0.3, 3.0, 6.0, 10.0])
def test_the_floor_soon_follows_a_contact_unlike_that_of_the_calibration(rate_hz: float, times: float) -> None:
    emg = np.random.default_rng(2).normal(0.0, 2.0 * times, (round(120.0 * rate_hz), 2))
    detector = Pipeline(stream(rate_hz, 2))
    detector.calibrate(calibration(rate_hz=rate_hz))
    features = [one for one in detector.push(0, emg) if isinstance(one, Features)]
    floor, rms = (np.concatenate([getattr(one, name) for one in features]) for name in ("floor", "rms"))
    level = math.sqrt(np.nanmean(rms**2))
    assert floor[-1] == pytest.approx(level, rel=0.15)
    if rate_hz == RATE_HZ and times < 10.0:
        assert floor[30] == pytest.approx(level, rel=0.25)


def argument(own_share: float) -> Argument:
    (one,) = own_effort_arguments(replace(WEAK, own_share=own_share))
    return one


def test_a_weak_contraction_weighs_against_a_cramp_and_a_strong_one_does_not_weigh() -> None:
    assert own_effort_arguments(WEAK) == ()
    weights = [
        own_effort_arguments(replace(WEAK, own_share=share))[0].weight for share in (2.0, 0.3, 0.1, 0.05, 0.02, 0.001)
    ]
    assert weights[:3] == [0.0, 0.0, pytest.approx(0.0)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == pytest.approx(-3.92)
    assert (
        own_effort_arguments(replace(WEAK, own_share=0.351))[0].reason.text
        == "It reached 35 % of your own maximum effort."
    )


def test_the_own_effort_is_not_part_of_the_odds_for_the_final_classification() -> None:
    def verdict(share: float) -> Classification:
        seen = replace(WEAK, own_share=share)
        return classify(seen, DetectorConfig(), ended=False, was_cramp=False, scale_known=True)

    assert verdict(0.01).kind is not EpisodeKind.CRAMP
    assert verdict(0.5).kind is verdict(math.nan).kind is EpisodeKind.CRAMP
    assert verdict(0.01).odds == pytest.approx(verdict(math.nan).odds)


def test_a_calibration_of_another_kind_of_stream_is_refused() -> None:
    for other in (stream(RATE_HZ, 1), stream(500.0, 2), stream(RATE_HZ, 2, math.nan)):
        with pytest.raises(ConfigurationError, match="but this signal has"):
            Pipeline(other).calibrate(calibration())


def reported(events: list[Event]) -> list[tuple[object, ...]]:
    """Return what was reported, without what depends on the rounding of sums."""
    return [
        (one.status, one.episode_id, one.kind, one.offset_index, one.detected_index, one.calibration)
        for one in events
        if isinstance(one, Episode)
    ]


BEGUN_BEFORE = cramping(10.0, seconds=60.0)[: round(30.0 * RATE_HZ)]
LATER = calibration(own_uv=9000.0, index=16_000)


@settings(max_examples=6, deadline=None)
@given(edges=st.lists(st.integers(1, 29_999), max_size=4, unique=True).map(sorted), stop=st.integers(0, 4))
def test_blocks_and_restarts_do_not_change_when_a_calibration_starts_to_apply(edges: list[int], stop: int) -> None:
    whole = Pipeline(stream(RATE_HZ, 2))
    whole.calibrate(LATER, later=True)
    expected = reported([*whole.push(0, BEGUN_BEFORE), *whole.finish()])
    detector = Pipeline(stream(RATE_HZ, 2))
    detector.calibrate(LATER, later=True)
    events: list[Event] = []
    for number, (first, last) in enumerate(pairwise([0, *edges, len(BEGUN_BEFORE)])):
        if number == stop:
            detector = Pipeline.from_state(detector.to_state())
            detector.calibrate(LATER, later=True)
        events += detector.push(first, BEGUN_BEFORE[first:last])
    assert reported([*events, *detector.finish()]) == expected
    assert {one[-1] for one in expected} == {"", LATER.name}
