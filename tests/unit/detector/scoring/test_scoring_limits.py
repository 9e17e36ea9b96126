"""Tolerances and limits of scoring, at exactly the bound and just beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.scoring.annotated import AnnotatedInterval, score_annotated
from crampwatch.detector.scoring.matching import (
    BRIEF_TOLERANCE,
    CRAMP_TOLERANCE,
    Pair,
    Timeline,
    Tolerance,
    match,
    tolerance_of,
)
from crampwatch.detector.scoring.metrics import Tally, score
from crampwatch.detector.scoring.recording import NOTHING, Detections, score_recording
from crampwatch.detector.scoring.revisions import TrailCollector
from crampwatch.detector.scoring.szcore import szcore_counts
from crampwatch.protocol.kinds import EpisodeKind

CRAMP, TWITCH, MOVEMENT, ARTEFACT = (
    EpisodeKind.CRAMP,
    EpisodeKind.TWITCH,
    EpisodeKind.MOVEMENT,
    EpisodeKind.ARTEFACT,
)


@dataclass(frozen=True)
class Event:
    onset_s: float
    offset_s: float
    kind: EpisodeKind = CRAMP
    label: str = "cramp"
    snr_db: float = 20.0


def episode(
    onset_s: float, offset_s: float, kind: EpisodeKind = CRAMP, status: EpisodeStatus = EpisodeStatus.CLOSED
) -> Episode:
    is_open = status in (EpisodeStatus.OPENED, EpisodeStatus.UPDATED)
    return Episode(
        status=status,
        episode_id=f"e{onset_s}",
        revision=1,
        kind=kind,
        onset_index=round(onset_s * 1000),
        offset_index=None if is_open else round(offset_s * 1000),
        detected_index=round((onset_s + 2.0) * 1000),
        channels=(0,),
        confidence=0.9,
        peak=50.0,
        unit="uV",
        why=(),
        rate_hz=1000.0,
    )


def is_found(event: Event, found: Episode, tolerance: Tolerance) -> bool:
    return bool(match([event], [found], tolerance=tolerance).pairs)


@pytest.mark.parametrize(
    ("tolerance", "before_s", "after_s"), [(CRAMP_TOLERANCE, 5.0, 10.0), (BRIEF_TOLERANCE, 0.25, 0.5)]
)
def test_an_episode_belongs_to_an_event_within_the_tolerance_and_not_at_it(
    tolerance: Tolerance, before_s: float, after_s: float
) -> None:
    event = Event(100.0, 120.0)
    start_s, stop_s = 100.0 - before_s, 120.0 + after_s
    assert not is_found(event, episode(start_s - 3.0, start_s), tolerance)
    assert is_found(event, episode(start_s - 3.0, start_s + 0.01), tolerance)
    assert is_found(event, episode(stop_s - 0.01, stop_s + 3.0), tolerance)
    assert not is_found(event, episode(stop_s, stop_s + 3.0), tolerance)


def test_kinds_that_last_have_the_wide_tolerance() -> None:
    wide = {kind for kind in EpisodeKind if tolerance_of(kind) is CRAMP_TOLERANCE}
    assert wide == {CRAMP, MOVEMENT, EpisodeKind.RHYTHMIC}


def alarms(*spans_s: tuple[float, float], tolerance: Tolerance = CRAMP_TOLERANCE) -> int:
    return len(match([], [episode(*span_s) for span_s in spans_s], tolerance=tolerance).false)


def test_false_episodes_less_than_the_merging_time_apart_are_one_alarm() -> None:
    assert alarms((0.0, 20.0), (29.999, 40.0)) == 1
    assert alarms((0.0, 20.0), (30.0, 40.0)) == 2
    assert alarms((0.0, 100.0), (10.0, 20.0), (105.0, 110.0)) == 1  # counted from the latest end so far
    assert alarms((0.0, 0.1), (0.1, 0.2), tolerance=BRIEF_TOLERANCE) == 2


def test_the_episode_of_a_pair_is_the_first_that_overlaps_the_event_itself() -> None:
    event, early, inside = Event(100.0, 120.0), episode(96.0, 98.0), episode(101.0, 119.0)
    assert Pair(event, (early, inside)).episode is inside
    assert Pair(event, (early,)).episode is early


def annotated(*, confidence: str = "high", unc_s: float = 0.0) -> AnnotatedInterval:
    return AnnotatedInterval(0.0, 1.0, "burst", confidence, unc_s, unc_s)


def test_an_onset_is_exact_up_to_a_tenth_of_a_second_beyond_the_annotators_uncertainty() -> None:
    for onset_s, exact in ((0.1, 1), (0.101, 0)):
        result = score_annotated([annotated()], [episode(onset_s, 1.0)], duration_s=9.0)
        assert (result.found, result.exact) == (1, exact)


def test_an_episode_belongs_to_an_annotation_less_than_a_tenth_of_a_second_away() -> None:
    for onset_s, unc_s, found in ((1.099, 0.0, 1), (1.1, 0.0, 0), (1.349, 0.25, 1), (1.35, 0.25, 0)):
        result = score_annotated([annotated(unc_s=unc_s)], [episode(onset_s, 2.0)], duration_s=9.0)
        assert result.found == found, onset_s


def test_only_sure_annotations_must_be_found_but_any_explains_an_episode() -> None:
    result = score_annotated([annotated(confidence="medium")], [episode(0.0, 1.0, TWITCH)], duration_s=9.0)
    assert (result.sure, result.found, result.unexplained) == (0, 0, ())


def test_artefacts_neither_find_an_annotation_nor_need_one() -> None:
    result = score_annotated([annotated()], [episode(0.0, 1.0, ARTEFACT), episode(5.0, 6.0, ARTEFACT)], duration_s=9.0)
    assert (result.found, result.unexplained) == (0, ())


def test_an_event_is_clear_from_ten_decibels_on() -> None:
    events = [
        Event(100.0, 120.0, snr_db=10.0),
        Event(300.0, 320.0, snr_db=9.99),
        Event(500.0, 520.0, snr_db=float("nan")),
    ]
    scored = score_recording(events, Detections([], [], 3600.0))
    assert (scored.tallies[CRAMP].events, scored.clear[CRAMP].events) == (3, 1)


@pytest.mark.parametrize(("kind", "asked"), [(ARTEFACT, 1), (TWITCH, 2), (MOVEMENT, 0), (CRAMP, 0)])
def test_a_twitch_is_hidden_by_other_muscle_but_not_by_an_artefact(kind: EpisodeKind, asked: int) -> None:
    events = [Event(10.0, 10.1, TWITCH, "fasciculation"), Event(9.0, 12.0, kind, "other")]
    assert score_recording(events, Detections([], [], 3600.0)).tallies[TWITCH].events == asked


def test_the_cause_of_a_false_alarm_is_muscle_before_an_artefact_and_the_longest_overlap() -> None:
    events = [
        Event(95.0, 140.0, ARTEFACT, "friction"),
        Event(100.0, 104.0, MOVEMENT, "curl"),
        Event(105.0, 115.0, MOVEMENT, "slow_hold"),
    ]
    scored = score_recording(events, Detections([episode(100.0, 130.0)], [], 3600.0))
    assert scored.false_as[CRAMP] == {"slow_hold": 1}


def test_a_cramp_is_not_confused_where_any_cramp_overlaps_it_and_others_go_by_the_longest() -> None:
    events = [Event(100.0, 130.0), Event(200.0, 230.0, MOVEMENT, "slow_hold"), Event(300.0, 310.0, MOVEMENT, "curl")]
    found = [
        episode(100.0, 120.0, MOVEMENT),
        episode(120.0, 130.0),
        episode(200.0, 205.0),
        episode(206.0, 230.0, MOVEMENT),
    ]
    scored = score_recording(events, Detections(found, [], 3600.0))
    assert scored.confusion == {"cramp": {"cramp": 1}, "slow_hold": {"movement": 1}, "curl": {NOTHING: 1}}


def tally(found: int, events: int, false: int = 0, errors_s: Sequence[float] = ()) -> Tally:
    return Tally(events=events, found=found, false=false, duration_s=8 * 3600.0, onset_errors_s=tuple(errors_s))


@pytest.mark.parametrize(
    ("found", "low", "high"), [(0, 0.0, 0.3085), (10, 0.6915, 1.0), (5, 0.1871, 0.8129), (9, 0.5550, 0.9975)]
)
def test_shares_of_one_night_have_the_intervals_of_clopper_and_pearson(found: int, low: float, high: float) -> None:
    share = score([tally(found, 10)]).sensitivity
    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)])
def test_false_alarms_of_one_night_have_the_interval_of_garwood(count: int, low: float, high: float) -> None:
    rate = score([tally(1, 1, count)]).false_per_8h
    assert rate.value == count
    assert (rate.low, rate.high) == pytest.approx((low, high), rel=1e-3, abs=1e-4)


def test_nights_that_all_agree_have_exact_intervals_and_others_are_resampled() -> None:
    assert score([tally(10, 10)] * 3).sensitivity.low == pytest.approx(0.025 ** (1 / 30))
    assert score([tally(0, 10)] * 3).sensitivity.high == pytest.approx(1 - 0.025 ** (1 / 30))
    mixed = score([tally(10, 10), tally(0, 10)]).sensitivity
    assert (mixed.low, mixed.value, mixed.high) == (0.0, 0.5, 1.0)


def test_early_and_late_onsets_do_not_cancel() -> None:
    assert score([tally(2, 2, 0, [-1.0, 1.0])]).onset_error_s.value == 1.0


def test_a_trail_spans_its_last_revision() -> None:
    trails = TrailCollector()
    trails.update([episode(10.0, 0.0, status=EpisodeStatus.OPENED)])
    (opened,) = trails.trails()
    assert (opened.onset_s, opened.offset_s) == (10.0, 12.0)  # the time of the revision, while there is no end
    trails.update([episode(10.0, 40.0)])
    (closed,) = trails.trails()
    assert (closed.onset_s, closed.offset_s) == (10.0, 40.0)
    assert not closed.was_withdrawn(CRAMP)


def test_seizure_rules_are_given_spans_within_the_recording_and_without_overlap() -> None:
    assert szcore_counts([Event(-5.0, 10.0)], [episode(0.0, 5.0)], duration_s=600.0).found == 1
    overlapping = [Event(100.0, 300.0), Event(200.0, 420.0)]  # 320 s together: longer than five minutes, so split
    assert szcore_counts(overlapping, [], duration_s=3600.0).events == 2


def test_an_episode_that_ends_at_the_tolerance_is_left_out_beside_one_that_goes_on() -> None:
    line = Timeline([episode(0.0, 200.0), episode(90.0, 95.0), episode(91.0, 95.01)])
    assert line.touching(Event(100.0, 120.0), CRAMP_TOLERANCE).tolist() == [0, 2]
