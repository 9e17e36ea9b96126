"""Scoring: matching against a slow and obvious way, intervals, what was said live, the rules for seizures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.scoring.annotated import decode_annotations, score_annotated
from crampwatch.detector.scoring.matching import BRIEF_TOLERANCE, CRAMP_TOLERANCE, Pair, Timeline, Tolerance, match
from crampwatch.detector.scoring.metrics import Tally, pooled, score
from crampwatch.detector.scoring.recording import NOTHING, Detections, score_recording
from crampwatch.detector.scoring.revisions import Revision, Trail, TrailCollector
from crampwatch.detector.scoring.szcore import szcore_counts
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason, ReasonCode
from hypothesis import given
from hypothesis import strategies as st

CRAMP, TWITCH, MOVEMENT = EpisodeKind.CRAMP, EpisodeKind.TWITCH, EpisodeKind.MOVEMENT


@dataclass(frozen=True)
class Event:
    onset_s: float
    offset_s: float
    kind: EpisodeKind = CRAMP
    label: str = "cramp"
    snr_db: float = 20.0


def episode(onset_s: float, offset_s: float, kind: EpisodeKind = CRAMP, confidence: float = 0.9) -> Episode:
    because = (Reason(code=ReasonCode.LASTED, number=offset_s - onset_s),)
    onset, offset = round(onset_s * 1000), round(offset_s * 1000)
    return Episode(
        status=EpisodeStatus.CLOSED,
        episode_id=f"e{onset_s}",
        revision=1,
        kind=kind,
        onset_index=onset,
        offset_index=offset,
        detected_index=onset + 2000,
        channels=(0,),
        confidence=confidence,
        peak=50.0,
        unit="uV",
        why=because,
        rate_hz=1000.0,
    )


def trail(onset_s: float, offset_s: float, *revisions: tuple[float, EpisodeKind | None]) -> Trail:
    return Trail(f"e{onset_s}", onset_s, offset_s, tuple(Revision(at_s, kind) for at_s, kind in revisions))


spans = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 60)).map(lambda pair: Event(pair[0] / 2, (pair[0] + pair[1]) / 2)),
    max_size=12,
)


def touches(event: Event, other: Event, tolerance: Tolerance) -> bool:
    return other.onset_s < event.offset_s + tolerance.end_s and other.offset_s > event.onset_s - tolerance.start_s


@given(events=spans, episodes=spans, ignored=spans)
def test_matching_is_any_overlap_within_tolerance(
    events: list[Event], episodes: list[Event], ignored: list[Event]
) -> None:
    found = match(events, episodes, tolerance=BRIEF_TOLERANCE, ignored=ignored)
    hit = [event for event in events if any(touches(event, one, BRIEF_TOLERANCE) for one in episodes)]
    false = [one for one in episodes if not any(touches(event, one, BRIEF_TOLERANCE) for event in (*events, *ignored))]
    assert len(found.pairs) == len(hit)
    assert len(found.missed) == len(events) - len(hit)
    assert len(found.about) == sum(any(touches(event, one, BRIEF_TOLERANCE) for event in events) for one in episodes)
    # False alarms on top of each other are one; nothing else is left out.
    assert len(found.false) <= len(false)
    assert bool(found.false) == bool(false)


@given(events=spans, one=spans.filter(bool))
def test_a_timeline_finds_all_that_overlaps(events: list[Event], one: list[Event]) -> None:
    sought = one[0]
    found = Timeline(events).overlapping(sought)
    assert sorted(found, key=id) == sorted(
        (event for event in events if event.onset_s < sought.offset_s and event.offset_s > sought.onset_s), key=id
    )


def test_false_alarms_close_to_each_other_are_one() -> None:
    alarms = [episode(100.0, 110.0), episode(115.0, 120.0), episode(140.0, 150.0)]
    assert [one.onset_s for one in match([], alarms, tolerance=CRAMP_TOLERANCE).false] == [100.0, 140.0]


def test_an_event_is_timed_by_the_episode_that_overlaps_it_not_by_one_shortly_before() -> None:
    pair = Pair(Event(10.0, 30.0), (episode(6.0, 8.0), episode(10.5, 20.0), episode(22.0, 31.0)))
    assert pair.onset_error_s == pytest.approx(0.5)
    assert pair.offset_error_s == pytest.approx(1.0)
    assert pair.overlap == pytest.approx((9.5 + 8.0) / (2.0 + 0.5 + 9.5 + 2.0 + 9.0))


def test_a_live_alarm_that_was_taken_back_counts_as_one() -> None:
    said = trail(10.0, 20.0, (10.4, TWITCH), (12.5, CRAMP), (15.0, MOVEMENT))
    kept = trail(50.0, 80.0, (50.4, TWITCH), (52.8, CRAMP))
    gone = trail(90.0, 91.0, (90.4, CRAMP), (91.0, None))
    result = Detections([episode(10.0, 20.0, MOVEMENT), episode(50.0, 80.0)], [said, kept, gone], 3600.0)
    scored = score_recording([Event(49.5, 80.0)], result)
    cramp = scored.tallies[CRAMP]
    assert (cramp.alarms, cramp.taken_back, cramp.false, cramp.false_alarms_live) == (3, 2, 0, 2)
    assert cramp.latencies_s == pytest.approx([3.3])


def test_revisions_are_kept_in_order_whatever_became_of_an_episode() -> None:
    def change(status: EpisodeStatus, kind: EpisodeKind, detected: int, offset: int | None) -> Episode:
        return Episode(status, "a", 1, kind, 1000, offset, detected, (0,), 0.5, 40.0, "uV", (), 1000.0)

    keeper = TrailCollector()
    keeper.update([change(EpisodeStatus.OPENED, TWITCH, 1300, None), change(EpisodeStatus.UPDATED, CRAMP, 3500, None)])
    keeper.update([change(EpisodeStatus.RETRACTED, CRAMP, 9000, 9000)])
    (kept,) = keeper.trails()
    assert [(saying.at_s, saying.kind) for saying in kept.revisions] == [(1.3, TWITCH), (3.5, CRAMP), (9.0, None)]
    assert (kept.onset_s, kept.offset_s, kept.kind) == (1.0, 9.0, CRAMP)
    assert kept.was_withdrawn(CRAMP)


def test_errors_are_counted_by_their_actual_cause() -> None:
    events = [
        Event(10.0, 40.0),
        Event(100.0, 130.0, MOVEMENT, "slow_hold"),
        Event(95.0, 140.0, EpisodeKind.ARTEFACT, "friction"),
        Event(300.0, 330.0),
    ]
    result = Detections([episode(11.0, 40.0), episode(101.0, 120.0), episode(200.0, 220.0)], [], 3600.0)
    scored = score_recording(events, result)
    assert scored.false_as[CRAMP] == {"slow_hold": 1, NOTHING: 1}
    assert scored.missed_as[CRAMP] == {"cramp": 1}
    assert scored.confusion["cramp"] == {"cramp": 1, NOTHING: 1}
    assert scored.confidences[CRAMP] == ((0.9, True), (0.9, False), (0.9, False))


def test_a_twitch_within_another_contraction_is_neither_asked_for_nor_false() -> None:
    events = [Event(10.0, 40.0, MOVEMENT, "repositioning"), Event(20.0, 20.1, TWITCH, "jerk")]
    scored = score_recording(events, Detections([episode(20.0, 20.1, TWITCH)], [], 3600.0))
    assert (scored.tallies[TWITCH].events, scored.tallies[TWITCH].false) == (0, 0)


def test_weak_events_are_neither_asked_for_nor_false_among_the_clear_ones() -> None:
    events = [Event(10.0, 10.1, TWITCH, "fasciculation", 3.0), Event(20.0, 20.1, TWITCH, "fasciculation", 15.0)]
    scored = score_recording(events, Detections([episode(10.0, 10.1, TWITCH)], [], 3600.0))
    assert (scored.tallies[TWITCH].events, scored.tallies[TWITCH].found) == (2, 1)
    assert (scored.clear[TWITCH].events, scored.clear[TWITCH].found, scored.clear[TWITCH].false) == (1, 0, 0)


def night(found: int, events: int, false: int, onset_errors_s: Sequence[float] = ()) -> Tally:
    return Tally(events=events, found=found, false=false, duration_s=28_800.0, onset_errors_s=tuple(onset_errors_s))


def test_figures_are_those_of_all_nights_and_intervals_contain_them() -> None:
    nights = [night(9, 10, 1, [0.1] * 9), night(10, 10, 0, [-0.3] * 10), night(8, 10, 5, [0.2] * 8)]
    result = score(nights)
    assert result.sensitivity.value == pytest.approx(27 / 30)
    assert result.precision.value == pytest.approx(27 / 33)
    assert result.false_per_8h.value == pytest.approx(2.0)
    assert result.onset_error_s.value == pytest.approx(0.2)
    for figure in (result.sensitivity, result.precision, result.f1, result.false_per_8h, result.onset_error_s):
        assert figure.low <= figure.value <= figure.high
    assert repr(score(nights)) == repr(result)  # NaN is not equal to itself


def test_nothing_false_is_not_certainty() -> None:
    result = score([night(10, 10, 0)] * 6)
    assert result.false_per_8h.value == 0.0
    assert result.false_per_8h.high == pytest.approx(3.689 / 6, rel=1e-3)  # Garwood: 3.689 for none counted
    assert result.sensitivity.low == pytest.approx(0.025 ** (1 / 60), rel=1e-6)
    assert result.sensitivity.high == 1.0


def test_a_single_night_has_the_exact_intervals_of_its_counts_and_none_of_times() -> None:
    result = score([night(5, 10, 3, [0.1] * 5)])
    assert (result.sensitivity.low, result.sensitivity.high) == pytest.approx((0.187, 0.813), abs=1e-3)
    assert (result.false_per_8h.low, result.false_per_8h.high) == pytest.approx((0.619, 8.767), abs=1e-3)
    assert math.isnan(result.onset_error_s.low)


def test_no_night_at_all_has_no_figures() -> None:
    assert math.isnan(score([]).sensitivity.value)
    assert pooled([]) == Tally()


def test_the_rules_for_seizures_are_laxer() -> None:
    events = [Event(100.0, 130.0), Event(300.0, 320.0)]
    alarms = [episode(75.0, 90.0), episode(600.0, 620.0), episode(640.0, 660.0)]
    counts = szcore_counts(events, alarms, duration_s=3600.0)
    assert (counts.events, counts.found, counts.false) == (2, 1, 1)
    assert len(match(events, alarms, tolerance=CRAMP_TOLERANCE).pairs) == 0


def test_an_annotators_uncertainty_is_not_held_against_the_detector() -> None:
    marked = decode_annotations(
        "onset_s,offset_s,label,confidence,onset_unc_s,offset_unc_s\n"
        "10.0,12.0,burst,high,0.3,0.1\n20.0,21.0,burst,high,0.02,0.1\n30.0,30.1,unit,low,0.02,0.02\n",
        name="a.csv",
    )
    result = score_annotated(marked, [episode(10.38, 12.0, MOVEMENT), episode(30.0, 30.1, TWITCH)], duration_s=60.0)
    assert (result.sure, result.found, result.exact) == (2, 1, 1)
    assert result.beyond_s == pytest.approx([0.08])
    assert [one.onset_s for one in result.missed] == [20.0]
    assert not result.unexplained


def test_a_table_without_the_columns_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"a\.csv is not a table of annotations"):
        decode_annotations("start,end\n1,2\n", name="a.csv")


def test_many_events_are_matched_quickly_and_right() -> None:
    onsets_s = np.arange(0.0, 20_000.0, 2.0)
    events = [Event(at_s, at_s + 0.1, TWITCH) for at_s in onsets_s]
    episodes = [episode(at_s + 0.05, at_s + 0.2, TWITCH) for at_s in onsets_s[::2]]
    matched = match(events, episodes, tolerance=BRIEF_TOLERANCE)
    assert len(matched.pairs) == len(matched.missed) == 5000
