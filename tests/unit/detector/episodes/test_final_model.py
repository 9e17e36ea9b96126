"""The final classification: how a contraction looked all along, how long it lasted, and how it ended."""

import math

import numpy as np
import pytest
from crampwatch.detector.episodes.classifier import Classification, conclude
from crampwatch.detector.episodes.final_model import FINAL_WEIGHTS, final_odds
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.protocol.kinds import EpisodeKind
from hypothesis import given
from hypothesis import strategies as st
from signals.detector_recordings import stream

RATE_HZ = 1000.0
LENGTH_S = 20.0


def reasons_after_release(release_s: float) -> str:
    """Let a muscle work for 20 s and let go; return the reasons given."""
    rng = np.random.default_rng(1)
    t_s = np.arange(0.0, 40.0, 1.0 / RATE_HZ)
    effort = np.interp(t_s, [5.0, 7.0, 5.0 + LENGTH_S, 5.0 + LENGTH_S + release_s], [0.0, 1.0, 1.0, 0.0])
    emg_uv = rng.normal(0.0, 1.0, (len(t_s), 1)) * (1.0 + 40.0 * effort)[:, None]
    episodes = analyse_recording(stream(RATE_HZ, 1), emg_uv)
    longest = max(episodes, key=lambda one: one.offset_s - one.onset_s)
    return " ".join(longest.reasons)


def test_a_slow_release_is_distinguished_from_an_abrupt_one() -> None:
    assert "It faded over" in reasons_after_release(release_s=5.0)
    assert "Ended abruptly (within" in reasons_after_release(release_s=0.2)


def test_weak_activity_for_minutes_after_a_cramp_is_not_part_of_it() -> None:
    rng = np.random.default_rng(2)
    t_s = np.arange(0.0, 120.0, 1.0 / RATE_HZ)
    effort_uv = np.interp(t_s, [5.0, 7.0, 25.0, 30.0, 100.0, 101.0], [0.0, 40.0, 40.0, 4.0, 4.0, 0.0])
    emg_uv = rng.normal(0.0, 1.0, (len(t_s), 1)) * (1.0 + effort_uv)[:, None]
    first = analyse_recording(stream(RATE_HZ, 1), emg_uv)[0]
    assert first.onset_s < 6.0
    assert 25.0 < first.offset_s < 45.0


def test_a_doubtful_cramp_that_ended_abruptly_is_a_movement() -> None:
    looked = Classification(EpisodeKind.CRAMP, 0.7, ())
    final = conclude(looked, DetectorConfig(), mean_odds=0.3, lasted_s=12.0, release_s=0.1)
    assert final.kind is EpisodeKind.MOVEMENT


def test_a_slow_release_after_cramp_like_looks_is_a_cramp_even_without_an_alarm() -> None:
    looked = Classification(EpisodeKind.MOVEMENT, 0.7, ())
    final = conclude(looked, DetectorConfig(), mean_odds=1.5, lasted_s=60.0, release_s=4.0)
    assert final.kind is EpisodeKind.CRAMP


@pytest.mark.parametrize("kind", [EpisodeKind.ARTEFACT, EpisodeKind.RHYTHMIC, EpisodeKind.TWITCH])
def test_other_kinds_than_sustained_contractions_are_not_decided_again(kind: EpisodeKind) -> None:
    looked = Classification(kind, 0.8, ())
    assert conclude(looked, DetectorConfig(), mean_odds=3.0, lasted_s=60.0, release_s=5.0) is looked


@given(st.floats(-50, 50), st.floats(0.1, 4000), st.floats(0, 30) | st.just(math.nan))
def test_final_odds_are_finite_and_grow_with_what_physiology_expects(
    mean_odds: float, lasted_s: float, release_s: float
) -> None:
    odds, _ = final_odds(mean_odds, lasted_s=lasted_s, release_s=release_s)
    more, _ = final_odds(mean_odds + 1.0, lasted_s=lasted_s + 1.0, release_s=release_s + 0.5)
    assert math.isfinite(odds)
    assert more >= odds
    assert all(weight >= 0.0 for name, weight in FINAL_WEIGHTS.items() if name != "one")
