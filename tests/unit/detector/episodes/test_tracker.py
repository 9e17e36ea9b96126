"""The life of episodes: opening, companions, crosstalk, merging, closing; each rule at its bound."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.episodes.tracker import EpisodeTracker, TrackerState
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.signal.activity import HopActivity
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import ReasonCode
from signals.detector_recordings import stream
from signals.made_up_history import GRID, Array, history_of_bins

HOPS = 800
ENOUGH = 4.0
"""Power over the floor from which the made-up activity begins an episode."""


@dataclass
class Scene:
    """Activity in each hop and channel, which a tracker is shown hop by hop.

    Attributes:
        excess: Power over a floor of 1; (HOPS, channels).
        present: Whether the signal was usable; same shape.
        bin_power: Power in each bin; follows `excess`, and may be changed before the first hop is shown.
    """

    channels: int = 2
    config: DetectorConfig = field(default_factory=DetectorConfig)
    peak_uv: float = 50.0
    lsb_uv: float = 0.2
    revisions: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.excess: Array = np.zeros((HOPS, self.channels))
        self.present = np.ones((HOPS, self.channels), bool)
        self.discharges: list[tuple[int, int]] = []
        self.tracker = EpisodeTracker(GRID, self.config, stream(GRID.rate_hz, self.channels, self.lsb_uv))
        self.next_hop = 0

    def contract(self, channel: int, first: int, last: int, power: float = 100.0) -> None:
        """Let a channel be active from hop `first` to before hop `last`."""
        self.excess[first:last, channel] = power

    def show(self, hops: int) -> None:
        """Show the tracker all hops to before `hops`."""
        bin_power = 1.0 + np.repeat(self.excess, 5, axis=0)
        bin_power[np.repeat(~self.present, 5, axis=0)] = np.nan
        for place, channel in self.discharges:
            bin_power[place, channel] = 100.0
        history = history_of_bins(bin_power)
        for hop in range(self.next_hop, hops):
            self.tracker.push(history, hop, self._activity(hop))
            self.revisions += self.tracker.pop_revisions()
        self.next_hop = hops

    def _activity(self, hop: int) -> HopActivity:
        excess = self.excess[hop].tolist()
        last = [4 if one > 0 else -1 for one in excess]
        begin = [0 if one >= ENOUGH else -1 for one in excess]
        return HopActivity(begin, last, last, excess, [self.peak_uv] * len(excess), self.present[hop].tolist())

    def ids(self) -> set[str]:
        return {one.episode_id for one in self.revisions}

    def of(self, *statuses: EpisodeStatus) -> list[Episode]:
        return [one for one in self.revisions if one.status in statuses]


def onsets(scene: Scene) -> list[int]:
    return [one.onset_bin for one in scene.tracker.open]


def test_a_channel_joins_the_nearest_of_several_episodes() -> None:
    scene = Scene(channels=3)
    scene.contract(0, 20, 60)
    scene.contract(1, 28, 60)
    scene.contract(2, 29, 60)
    scene.discharges += [(place, 2) for place in range(132, 145, 3)]
    scene.show(30)
    assert onsets(scene) == [100, 132], "0.64 s from the first onset, 0.16 s from the second"
    assert [one.owned for one in scene.tracker.open] == [[True, False, False], [False, True, True]]


@pytest.mark.parametrize(("bins_later", "count"), [(25, 1), (26, 2)])
def test_channels_that_begin_within_the_join_time_are_one_episode(bins_later: int, count: int) -> None:
    scene = Scene(config=DetectorConfig(join_s=0.5))
    scene.contract(0, 20, 60)
    scene.contract(1, 26, 60)
    scene.discharges += [(place, 1) for place in range(100 + bins_later, 130)]
    scene.show(27)
    assert len(scene.tracker.open) == count


@pytest.mark.parametrize(("peak_uv", "count"), [(4.99, 0), (5.0, 1)])
def test_nothing_begins_below_the_least_peak(peak_uv: float, count: int) -> None:
    scene = Scene(peak_uv=peak_uv)
    scene.contract(0, 20, 60)
    scene.show(25)
    assert len(scene.tracker.open) == count


def test_without_a_scale_there_is_no_least_peak() -> None:
    scene = Scene(peak_uv=0.1, lsb_uv=math.nan)
    scene.contract(0, 20, 60)
    scene.show(25)
    assert len(scene.tracker.open) == 1


@pytest.mark.parametrize(("power", "count"), [(6.24, 1), (6.25, 2)])
def test_a_quarter_of_the_amplitude_may_be_crosstalk(power: float, count: int) -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.contract(1, 30, 60, power)
    scene.show(31)
    assert len(scene.tracker.open) == count


@pytest.mark.parametrize(("hop", "count"), [(35, 2), (36, 1)])
def test_a_weak_episode_is_merged_once_it_is_06_s_old(hop: int, count: int) -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.contract(1, 30, 60, 10.0)
    scene.show(hop + 1)
    assert len(scene.tracker.open) == count
    if count == 1:
        assert scene.tracker.open[0].owned == [True, True]
        assert [one.status for one in scene.of(EpisodeStatus.RETRACTED)] == [EpisodeStatus.RETRACTED]


@pytest.mark.parametrize(("power", "count"), [(19.5, 1), (20.5, 2)])
def test_what_is_7_db_weaker_is_merged(power: float, count: int) -> None:
    scene = Scene()
    scene.contract(0, 20, 90)
    scene.contract(1, 30, 90, power)
    scene.show(80)
    assert len(scene.tracker.open) == count


@pytest.mark.parametrize(("first", "status"), [(60, EpisodeStatus.RETRACTED), (59, EpisodeStatus.CLOSED)])
def test_a_weak_episode_is_its_own_if_it_began_over_3_s_before_the_strong_one(
    first: int, status: EpisodeStatus
) -> None:
    scene = Scene()
    scene.contract(1, first, 150, 10.0)
    scene.contract(0, 90, 150, 200.0)
    scene.show(100)
    assert [one.status for one in scene.of(EpisodeStatus.RETRACTED, EpisodeStatus.CLOSED)] == [status]
    assert onsets(scene) == [450]


@pytest.mark.parametrize(("silent_hops", "count"), [(4, 1), (5, 2)])
def test_04_s_of_silence_end_an_episode(silent_hops: int, count: int) -> None:
    scene = Scene()
    scene.contract(0, 20, 40)
    scene.contract(0, 40 + silent_hops, 70)
    scene.show(70)
    assert len(scene.ids()) == count


@pytest.mark.parametrize(("missing_hops", "count"), [(20, 1), (21, 2)])
def test_an_episode_goes_on_through_2_s_without_signal(missing_hops: int, count: int) -> None:
    scene = Scene(channels=1)
    scene.contract(0, 20, 40)
    scene.present[40 : 40 + missing_hops] = False
    scene.contract(0, 40 + missing_hops, 90)
    scene.show(90)
    assert len(scene.ids()) == count


def test_two_short_gaps_are_not_one_long_gap() -> None:
    scene = Scene(channels=1)
    scene.contract(0, 20, 40)
    scene.present[40:55] = scene.present[56:71] = False
    scene.contract(0, 55, 56)
    scene.contract(0, 71, 90)
    scene.show(90)
    assert len(scene.ids()) == 1


def test_a_channel_that_joins_later_does_not_move_a_reported_onset() -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.contract(1, 25, 60)
    scene.discharges += [(place, 1) for place in range(95, 125, 5)]
    scene.show(30)
    assert onsets(scene) == [100]
    assert scene.tracker.open[0].owned == [True, True]
    assert scene.ids() == {"s1-2000-0"}


@pytest.mark.parametrize("is_missing", [False, True])
def test_how_an_episode_ended_is_unknown_where_the_signal_broke_off(is_missing: bool) -> None:
    scene = Scene(channels=1)
    scene.contract(0, 20, 90)
    scene.present[90:120] = not is_missing
    scene.show(120)
    (closed,) = scene.of(EpisodeStatus.CLOSED)
    assert (ReasonCode.ENDED_AT_ONCE in {one.code for one in closed.why}) is not is_missing


def test_how_an_episode_ended_is_unknown_where_a_burst_followed_at_once() -> None:
    scene = Scene(channels=1)
    scene.contract(0, 20, 90, 10.0)
    scene.contract(0, 90, 120, 400.0)
    scene.show(92)
    (closed,) = scene.of(EpisodeStatus.CLOSED)
    assert closed.offset_index == 9000
    assert not {ReasonCode.ENDED_AT_ONCE, ReasonCode.EBBED} & {one.code for one in closed.why}


def test_an_episode_is_reported_when_it_is_03_s_old() -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.show(23)
    assert scene.revisions == []
    scene.show(24)
    assert [(one.status, one.detected_index) for one in scene.revisions] == [(EpisodeStatus.OPENED, 2400)]


def test_a_twitch_is_revised_as_soon_as_it_is_too_long_for_one() -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.show(26)
    assert [one.kind for one in scene.revisions] == [EpisodeKind.TWITCH]
    scene.show(27)
    assert [one.kind for one in scene.revisions] == [EpisodeKind.TWITCH, EpisodeKind.LEG_MOVEMENT]


@pytest.mark.parametrize(("hop", "owned"), [(43, [True, True]), (44, [True, False])])
def test_a_channel_leaves_after_the_silence_that_would_end_an_episode(hop: int, owned: list[bool]) -> None:
    scene = Scene()
    scene.contract(0, 20, 90)
    scene.contract(1, 20, 40)
    scene.show(hop + 1)
    assert [one.owned for one in scene.tracker.open] == [owned]


def test_a_tail_below_a_fifth_counts_for_ten_seconds() -> None:
    scene = Scene(channels=1)
    scene.contract(0, 10, 40)
    scene.contract(0, 40, 190, 2.0)
    scene.show(190)
    (closed,) = scene.of(EpisodeStatus.CLOSED)
    last_strong_hop = 39 + 10  # the smoothed level takes a second to sink to a twenty-fifth
    assert closed.offset_index == (last_strong_hop + 100 + 1) * GRID.hop_samples


STUBBORN = DetectorConfig(revoke_score=-99.0, revoke_old_score=-99.0, merge_cramp_s=9.0)
"""So that what was called a cramp stays one: the made-up power is far too even for a muscle."""


def cramp_under_way(
    scene: Scene, hop: int, *, kind: EpisodeKind = EpisodeKind.CRAMP, age_hops: int = 130
) -> OpenEpisode:
    """Put a cramp into the tracker that has been going on for 13 s before `hop`."""
    first = hop - age_hops
    episode = OpenEpisode.starting(5 * first, 0, scene.channels)
    episode.owned[0], episode.last_bins[0], episode.energy[0] = True, 5 * hop - 1, 5000.0
    episode.level = episode.highest = 100.0
    episode.strong_hop, episode.kind, episode.revision, episode.confidence = hop - 1, kind, 3, 0.8
    scene.tracker.restore(TrackerState([0] * scene.channels, [episode], [], None))
    scene.next_hop = hop
    scene.contract(0, first, hop)
    return episode


@pytest.mark.parametrize(("silent_hops", "is_over"), [(10, False), (11, True)])
def test_a_cramp_goes_on_through_a_silence_that_ends_others(silent_hops: int, is_over: bool) -> None:
    scene = Scene(config=replace(STUBBORN, merge_cramp_s=1.0))
    cramp_under_way(scene, 150)
    scene.show(150 + silent_hops)
    assert scene.tracker.is_idle() is is_over


@pytest.mark.parametrize(("silent_hops", "is_over"), [(24, False), (25, True)])
def test_silence_ends_a_cramp_by_its_duty_too(silent_hops: int, is_over: bool) -> None:
    scene = Scene(config=STUBBORN)
    cramp_under_way(scene, 150)
    scene.show(150 + silent_hops)
    assert scene.tracker.is_idle() is is_over


def test_missing_signal_does_not_count_as_silence_of_a_cramp() -> None:
    scene = Scene(channels=1, config=replace(STUBBORN, bridge_s=9.0))
    cramp = cramp_under_way(scene, 150)
    scene.present[150:185] = False
    scene.show(185)
    assert scene.tracker.open == [cramp]


@pytest.mark.parametrize(("every", "is_over"), [(2, False), (4, True)])
def test_beats_in_a_quarter_of_the_hops_do_not_prolong_a_cramp(every: int, is_over: bool) -> None:
    scene = Scene(config=STUBBORN)
    cramp = cramp_under_way(scene, 150)
    scene.excess[150:290:every, 0] = 100.0
    scene.show(290)
    assert (cramp not in scene.tracker.open) is is_over


@pytest.mark.parametrize(
    ("from_age", "to_age", "expected"),
    [(24, 36, [25, 30, 35]), (115, 165, [115, 120, 140, 160]), (575, 660, [580, 600, 650])],
)
def test_looks_become_rarer_after_12_s_and_after_a_minute(from_age: int, to_age: int, expected: list[int]) -> None:
    scene = Scene(config=STUBBORN)
    cramp = cramp_under_way(scene, from_age + 10, age_hops=from_age)
    scene.contract(0, from_age + 10, to_age + 20)
    ages = []
    for age in range(from_age, to_age):
        looks = cramp.looks
        scene.show(age + 11)
        ages += [age] * (cramp.looks - looks)
    assert ages == expected


def test_the_onset_is_measured_again_until_six_seconds() -> None:
    scene = Scene()
    scene.contract(0, 20, 150)
    measured = []
    for age in (50, 55, 60, 65):
        scene.show(20 + age + 1)
        measured.append(scene.tracker.open[0].onset)
    assert measured[0] is not measured[1] is not None
    assert measured[1] is measured[2] is measured[3]


def test_an_outgrowth_is_looked_for_once_six_seconds_can_be_compared() -> None:
    scene = Scene(channels=1)
    scene.contract(0, 40, 97, 4.0)
    scene.contract(0, 97, 150, 70.0)
    scene.show(105)
    assert onsets(scene) == [200]
    scene.show(106)
    assert onsets(scene) == [485]


def test_the_confidence_of_a_cramp_is_that_of_its_clearest_look() -> None:
    scene = Scene(config=STUBBORN)
    cramp = cramp_under_way(scene, 150)
    scene.contract(0, 150, 200)
    scene.show(200)
    assert cramp.looks > 0
    assert cramp.odds / cramp.looks < 0.0, "far less sure than before"
    assert cramp.confidence == 0.8


def test_the_final_classification_uses_the_mean_of_all_looks() -> None:
    scene = Scene(channels=1, config=STUBBORN)
    cramp = cramp_under_way(scene, 150)
    cramp.looks, cramp.odds = 1000, 300.0
    scene.show(180)
    (closed,) = scene.of(EpisodeStatus.CLOSED)
    assert closed.kind is EpisodeKind.MOVEMENT, "a mean of 0.3 is no cramp after 13 s and an abrupt end"


def test_a_cramp_is_never_merged_away() -> None:
    scene = Scene(config=STUBBORN)
    cramp = cramp_under_way(scene, 150)
    scene.contract(0, 150, 190, 5.0)
    scene.contract(1, 152, 190, 1000.0)
    scene.show(165)
    assert len(scene.tracker.open) == 2
    assert scene.tracker.open[0] is cramp


@pytest.mark.parametrize(("first", "expected"), [(60, [250]), (61, [305])])
def test_a_burst_on_top_of_an_established_episode_is_another(first: int, expected: list[int]) -> None:
    scene = Scene(channels=1)
    scene.contract(0, 50, first, 10.0)
    scene.contract(0, first, 90, 400.0)
    scene.show(first + 3)
    assert onsets(scene) == expected


@pytest.mark.parametrize(("kind", "count"), [(EpisodeKind.CRAMP, 1), (EpisodeKind.LEG_MOVEMENT, 2)])
def test_a_burst_during_a_cramp_is_part_of_it(kind: EpisodeKind, count: int) -> None:
    scene = Scene(channels=1, config=STUBBORN)
    cramp_under_way(scene, 150, kind=kind)
    scene.excess[20:150] = 10.0
    scene.contract(0, 150, 190, 2000.0)
    scene.show(154)
    assert len({"s1-2000-0"} | scene.ids()) == count


def test_channels_10_db_below_the_strongest_take_no_part() -> None:
    for power, channels in ((10.1, (0, 1)), (9.9, (0,))):
        scene = Scene()
        scene.contract(0, 20, 60)
        scene.contract(1, 20, 60, power)
        scene.show(30)
        assert {one.channels for one in scene.revisions} == {channels}


def test_everything_is_closed_as_the_recording_ends() -> None:
    scene = Scene()
    scene.contract(0, 20, 60)
    scene.show(30)
    history = history_of_bins(1.0 + np.repeat(scene.excess, 5, axis=0))
    scene.tracker.finish(history, 29)
    assert [one.status for one in scene.tracker.pop_revisions()] == [EpisodeStatus.CLOSED]
    assert scene.tracker.is_idle()
