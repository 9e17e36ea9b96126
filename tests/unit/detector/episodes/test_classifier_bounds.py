"""Which kind an episode is: each condition of the classification at its bound."""

import math
from dataclasses import replace

import pytest
from crampwatch.detector.episodes.bursts import Beat
from crampwatch.detector.episodes.classifier import (
    Classification,
    classify,
    classify_series,
    classify_young,
    conclude,
)
from crampwatch.detector.episodes.cramp_model import cramp_arguments, cramp_terms
from crampwatch.detector.episodes.evidence import Evidence, OnsetEvidence
from crampwatch.detector.episodes.final_model import final_odds
from crampwatch.detector.episodes.rhythm import NO_RHYTHM, Rhythm
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
ARTEFACT, TWITCH, RHYTHMIC = EpisodeKind.ARTEFACT, EpisodeKind.TWITCH, EpisodeKind.RHYTHMIC
LEG_MOVEMENT, MOVEMENT = EpisodeKind.LEG_MOVEMENT, EpisodeKind.MOVEMENT
IMPOSSIBLE = DetectorConfig(confirm_score=99.0)
"""Nothing is called a cramp, so that what else it may be shows."""


def result(
    evidence: Evidence,
    config: DetectorConfig = IMPOSSIBLE,
    *,
    ended: bool = False,
    was_cramp: bool = False,
    scale_known: bool = True,
) -> Classification:
    return classify(evidence, config, ended=ended, was_cramp=was_cramp, scale_known=scale_known)


def odds_of(evidence: Evidence) -> float:
    return result(evidence).odds


@pytest.mark.parametrize(("ratio", "kind"), [(3.0, LEG_MOVEMENT), (3.01, ARTEFACT)])
def test_power_at_the_mains_lines_is_an_artefact(ratio: float, kind: EpisodeKind) -> None:
    assert result(replace(CRAMP, mains_ratio=ratio)).kind is kind


@pytest.mark.parametrize(
    ("age_s", "step", "ended", "kind"),
    [
        (1.49, 1.01, True, ARTEFACT),
        (1.5, 1.01, True, LEG_MOVEMENT),
        (1.49, 1.0, True, LEG_MOVEMENT),
        (1.49, 1.01, False, LEG_MOVEMENT),
    ],
)
def test_a_lamp_that_is_switched_is_an_artefact_once_it_is_over(
    age_s: float, step: float, ended: bool, kind: EpisodeKind
) -> None:
    assert result(replace(CRAMP, age_s=age_s, mains_step=step), ended=ended).kind is kind


@pytest.mark.parametrize(
    ("mean_hz", "motion", "kind"),
    [
        (47.9, 0.41, ARTEFACT),
        (48.0, 0.41, LEG_MOVEMENT),
        (47.9, 0.4, LEG_MOVEMENT),
        (90.0, 20.1, ARTEFACT),
        (90.0, 20.0, MOVEMENT),
    ],
)
def test_what_is_slower_than_a_muscle_is_an_artefact(mean_hz: float, motion: float, kind: EpisodeKind) -> None:
    assert result(replace(CRAMP, mean_hz=mean_hz, motion_ratio=motion)).kind is kind


@pytest.mark.parametrize(("age_s", "kind"), [(0.59, TWITCH), (0.6, LEG_MOVEMENT)])
def test_what_is_shorter_than_06_s_is_a_twitch(age_s: float, kind: EpisodeKind) -> None:
    assert result(replace(CRAMP, age_s=age_s)).kind is kind
    assert classify_young(age_s, DetectorConfig()).kind is kind


@pytest.mark.parametrize(
    ("age_s", "ended", "is_cramp"), [(2.39, False, False), (2.4, False, True), (5.99, True, False), (6.0, True, True)]
)
def test_a_cramp_has_an_age_and_a_length(age_s: float, ended: bool, is_cramp: bool) -> None:
    always = DetectorConfig(confirm_score=-99.0)
    assert (result(replace(CRAMP, age_s=age_s), always, ended=ended).kind is EpisodeKind.CRAMP) is is_cramp


@pytest.mark.parametrize(
    ("rhythm", "kind"),
    [
        (Rhythm(1.0, 0.41, 0.61), RHYTHMIC),
        (Rhythm(1.0, 0.4, 0.61), LEG_MOVEMENT),
        (Rhythm(1.0, 0.41, 0.6), LEG_MOVEMENT),
        (Rhythm(7.5, 0.41, 0.61), RHYTHMIC),
        (Rhythm(7.6, 0.41, 0.61), LEG_MOVEMENT),
        (Rhythm(7.6, 0.71, 0.86), RHYTHMIC),
        (Rhythm(3.4 / 8.0, 0.9, 0.9), LEG_MOVEMENT),
        (Rhythm(3.5 / 8.0, 0.9, 0.9), RHYTHMIC),
    ],
)
def test_what_is_no_cramp_and_comes_and_goes_is_a_rhythm(rhythm: Rhythm, kind: EpisodeKind) -> None:
    assert result(replace(CRAMP, rhythm=rhythm)).kind is kind


@pytest.mark.parametrize(
    ("rhythm", "is_cramp"),
    [
        (Rhythm(1.0, 0.71, 0.86), False),
        (Rhythm(1.0, 0.7, 0.86), True),
        (Rhythm(1.0, 0.71, 0.85), True),
        (Rhythm(7.6, 0.71, 0.86), True),
    ],
)
def test_only_a_clear_and_slow_rhythm_outweighs_a_cramp(rhythm: Rhythm, is_cramp: bool) -> None:
    kind = result(replace(CRAMP, rhythm=rhythm), DetectorConfig()).kind
    assert (kind is EpisodeKind.CRAMP) is is_cramp


@pytest.mark.parametrize(
    ("age_s", "motion", "kind"),
    [(10.0, 2.0, LEG_MOVEMENT), (10.1, 2.0, MOVEMENT), (10.0, 2.1, MOVEMENT)],
)
def test_a_leg_movement_is_short_and_moves_the_electrodes_little(
    age_s: float, motion: float, kind: EpisodeKind
) -> None:
    assert result(replace(CRAMP, age_s=age_s, motion_ratio=motion)).kind is kind


@pytest.mark.parametrize(("offset", "is_cramp"), [(-1e-6, True), (1e-6, False)])
def test_a_cramp_needs_log_odds_above_the_bar(offset: float, is_cramp: bool) -> None:
    bar = DetectorConfig(confirm_score=odds_of(CRAMP) + offset)
    assert (result(CRAMP, bar).kind is EpisodeKind.CRAMP) is is_cramp


@pytest.mark.parametrize(
    ("age_s", "revoke", "revoke_old", "is_cramp"),
    [(11.99, 1e-6, -1.0, False), (11.99, -1e-6, 1.0, True), (12.0, 1.0, -1e-6, True), (12.0, -1.0, 1e-6, False)],
)
def test_what_was_called_a_cramp_has_another_bar_by_its_age(
    age_s: float, revoke: float, revoke_old: float, is_cramp: bool
) -> None:
    evidence = replace(CRAMP, age_s=age_s)
    odds = odds_of(evidence)
    bars = DetectorConfig(revoke_score=odds + revoke, revoke_old_score=odds + revoke_old)
    assert (result(evidence, bars, was_cramp=True).kind is EpisodeKind.CRAMP) is is_cramp


@pytest.mark.parametrize(("age_s", "kind"), [(12.0, ARTEFACT), (12.01, EpisodeKind.CRAMP)])
def test_an_old_cramp_is_not_made_an_artefact(age_s: float, kind: EpisodeKind) -> None:
    rubbed = replace(CRAMP, age_s=age_s, motion_ratio=30.0)
    assert result(rubbed, DetectorConfig(revoke_old_score=-99.0), was_cramp=True).kind is kind


@pytest.mark.parametrize(("rms_uv", "code"), [(4.0, None), (3.99, ReasonCode.WEAK)])
def test_what_is_weaker_than_a_cramp_weighs_against_one(rms_uv: float, code: ReasonCode | None) -> None:
    weak = result(replace(CRAMP, rms_uv=rms_uv))
    assert (code in {one.code for one in weak.reasons}) is (code is not None)
    assert weak.odds == pytest.approx(odds_of(CRAMP) - (0.0 if code is None else 3.0))
    assert result(replace(CRAMP, rms_uv=rms_uv), scale_known=False).odds == pytest.approx(odds_of(CRAMP))


@pytest.mark.parametrize(("snr_db", "lost"), [(5.0, 0.0), (4.99, 3.0)])
def test_what_hardly_stands_out_of_rest_weighs_against_a_cramp(snr_db: float, lost: float) -> None:
    assert odds_of(replace(CRAMP, snr_db=snr_db)) == pytest.approx(odds_of(CRAMP) - lost)


def test_an_unknown_scale_is_among_the_reasons() -> None:
    for ended in (False, True):
        for evidence in (CRAMP, replace(CRAMP, age_s=0.3)):
            codes = [one.code for one in result(evidence, ended=ended, scale_known=False).reasons]
            assert codes.count(ReasonCode.SCALE_UNKNOWN) == 1


def test_a_series_with_a_heartbeats_shape_is_an_artefact() -> None:
    beats = [Beat(float(place), 0.1, 50.0, 40.0) for place in range(5)]
    heart = classify_series(beats)
    assert (heart.kind, heart.reasons[0].number) == (ARTEFACT, 60.0)
    assert classify_series([replace(one, mean_hz=90.0) for one in beats]).kind is RHYTHMIC


def last(kind: EpisodeKind = MOVEMENT) -> Classification:
    return Classification(kind, 0.7, ())


@pytest.mark.parametrize(("lasted_s", "is_decided_again"), [(5.99, False), (6.0, True)])
def test_the_final_classification_is_for_contractions_as_long_as_a_cramp(
    lasted_s: float, is_decided_again: bool
) -> None:
    final = conclude(last(), DetectorConfig(), mean_odds=3.0, lasted_s=lasted_s, release_s=3.0)
    assert (final.kind is EpisodeKind.CRAMP) is is_decided_again


@pytest.mark.parametrize(("offset", "is_cramp"), [(-1e-6, True), (1e-6, False)])
def test_the_final_classification_needs_log_odds_above_its_bar(offset: float, is_cramp: bool) -> None:
    odds, _ = final_odds(1.0, lasted_s=10.0, release_s=2.0)
    config = DetectorConfig(final_score=odds + offset)
    final = conclude(last(EpisodeKind.CRAMP), config, mean_odds=1.0, lasted_s=10.0, release_s=2.0)
    assert (final.kind is EpisodeKind.CRAMP) is is_cramp
    assert final.confidence == pytest.approx(1 / (1 + math.exp(-odds)) if is_cramp else 1 / (1 + math.exp(odds)))


@pytest.mark.parametrize(("release_s", "code"), [(0.9, ReasonCode.ENDED_AT_ONCE), (0.91, ReasonCode.EBBED)])
def test_a_long_release_speaks_for_a_cramp(release_s: float, code: ReasonCode) -> None:
    _, (reason,) = final_odds(0.0, lasted_s=10.0, release_s=release_s)
    assert reason.code is code


def test_the_final_odds_are_limited_in_what_any_measure_can_do() -> None:
    def odds(mean_odds: float = 0.0, lasted_s: float = 10.0, release_s: float = 1.0) -> float:
        return final_odds(mean_odds, lasted_s=lasted_s, release_s=release_s)[0]

    assert odds(mean_odds=4.0) == odds(mean_odds=50.0) > odds(mean_odds=3.9)
    assert odds(mean_odds=-6.0) == odds(mean_odds=-50.0) < odds(mean_odds=-5.9)
    assert odds(lasted_s=60.0) == odds(lasted_s=600.0) > odds(lasted_s=59.0)
    assert odds(release_s=8.0) == odds(release_s=80.0) > odds(release_s=7.9)
    assert odds(release_s=math.nan) == pytest.approx(odds(release_s=0.9))


@pytest.mark.parametrize(("age_s", "sag", "term"), [(4.0, 0.19, -1.0), (3.99, 0.19, 0.0), (4.0, 0.2, 0.0)])
def test_a_cramp_never_rests_once_it_has_gathered(age_s: float, sag: float, term: float) -> None:
    assert cramp_terms(replace(CRAMP, age_s=age_s, sag=sag))["no_rest"] == term


@pytest.mark.parametrize(("wavering", "code"), [(0.239, ReasonCode.LIKE_NOISE), (0.241, ReasonCode.EVEN)])
def test_what_is_as_even_as_noise_is_called_so(wavering: float, code: ReasonCode) -> None:
    _, arguments = cramp_arguments(replace(CRAMP, wavering=wavering, unsteadiness=-0.5, kurtosis=9.0))
    assert code in {one.reason.code for one in arguments}


def test_only_what_is_steadier_than_a_muscle_can_be_counts_as_noise() -> None:
    assert cramp_terms(replace(CRAMP, wavering=0.28))["no_noise"] == 0.0
    assert cramp_terms(replace(CRAMP, wavering=0.5))["no_noise"] == 0.0
    assert cramp_terms(replace(CRAMP, wavering=0.27))["no_noise"] < 0.0


def test_crosstalk_of_a_fifth_of_the_amplitude_says_nothing_about_the_other_muscle() -> None:
    def term(spread: float) -> float:
        return cramp_terms(replace(CRAMP, spread=spread, other_db=15.0))["others_at_rest"]

    assert term(0.1) == term(0.2) == pytest.approx(0.3, abs=0.01)
    assert term(0.21) < term(0.2)


def test_slow_waves_that_belong_to_muscle_itself_are_no_jolt() -> None:
    def term(motion_ratio: float) -> float:
        return cramp_terms(replace(CRAMP, onset=replace(ONSET, motion_ratio=motion_ratio, motion_jump_db=20.0)))[
            "no_jolt"
        ]

    assert term(0.01) == 0.0
    assert 0.0 > term(0.02) > term(0.09) > term(0.1) == term(1.0) == -2.0
