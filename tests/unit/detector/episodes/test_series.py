"""Brief episodes that come back regularly become one, and what does not fit stays what it is."""

from dataclasses import dataclass, field

import pytest
from crampwatch.detector.episodes.classifier import Classification
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.episodes.revisions import RevisionLog, adopt
from crampwatch.detector.episodes.series import SeriesTracker
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.protocol.kinds import EpisodeKind
from signals.detector_recordings import stream
from signals.made_up_history import GRID

TWITCH = Classification(EpisodeKind.TWITCH, 0.8, ())
CLOSED, RETRACTED, UPDATED = EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED, EpisodeStatus.UPDATED


@dataclass
class Series:
    """Shows a series tracker brief episodes, and collects what it reports."""

    revisions: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = RevisionLog(GRID, stream(GRID.rate_hz, 1))
        self.tracker = SeriesTracker(GRID, self.log)

    def end(self, onset_s: float, *, peak: float = 50.0, result: Classification = TWITCH) -> bool:
        """Let a brief episode end; return whether the series absorbed it."""
        onset = round(onset_s / GRID.bin_s)
        episode = OpenEpisode.starting(onset, 0, 1)
        episode.last_bins, episode.peak, episode.energy, episode.mean_hz = [onset + 4], [peak], [500.0], 90.0
        hop = onset // 5 + 5
        absorbed = self.tracker.absorb(episode, result, hop)
        if not absorbed:
            adopt(episode, result, hop)
            self.tracker.remember(episode, hop)
        self.revisions += self.log.pop()
        return absorbed

    def wait_until(self, hop: int) -> None:
        self.tracker.close_if_overdue(hop)
        self.revisions += self.log.pop()


def under_way() -> Series:
    series = Series()
    for onset_s in range(10, 15):
        series.end(onset_s)
    return series


def test_the_fifth_regular_beat_makes_the_first_one_a_series_and_retracts_the_others() -> None:
    series = Series()
    for onset_s in range(10, 14):
        series.end(onset_s)
    assert series.revisions == []
    series.end(14)
    first, others = "s1-10000-0", {f"s1-{onset_s}000-0" for onset_s in range(11, 15)}
    assert {one.episode_id for one in series.revisions if one.status is RETRACTED} == others
    (updated,) = [one for one in series.revisions if one.status is UPDATED]
    assert (updated.episode_id, updated.kind) == (first, EpisodeKind.RHYTHMIC)


def test_a_beat_that_fits_disappears_in_the_series() -> None:
    series = under_way()
    assert series.end(15)
    series.wait_until(500)
    assert series.revisions[-1].status is CLOSED
    assert series.revisions[-1].offset_index == 15_100


def test_one_that_does_not_fit_ends_the_series_and_stays_itself() -> None:
    series = under_way()
    assert not series.end(15, peak=1000.0)
    assert [one.status for one in series.revisions[-1:]] == [CLOSED]
    assert series.tracker.current is None
    assert len(series.tracker.recent) == 1, "the beats of the old series begin no new one"


def test_a_cramp_never_disappears_in_a_series() -> None:
    series = under_way()
    assert not series.end(15, result=Classification(EpisodeKind.CRAMP, 0.9, ()))
    assert series.tracker.current is not None


@pytest.mark.parametrize(("hop", "is_over"), [(172, False), (173, True)])
def test_a_series_is_over_when_more_than_two_beats_are_missing(hop: int, is_over: bool) -> None:
    series = under_way()
    series.wait_until(hop)  # 3.4 intervals after the last beat at 14 s, as the hop ends
    assert (series.tracker.current is None) is is_over


@pytest.mark.parametrize(("bins", "is_brief"), [(100, True), (101, False)])
def test_a_beat_is_shorter_than_two_seconds(bins: int, is_brief: bool) -> None:
    episode = OpenEpisode.starting(500, 0, 1)
    episode.last_bins = [500 + bins - 1]
    assert SeriesTracker(GRID, RevisionLog(GRID, stream(GRID.rate_hz, 1))).is_brief(episode) is is_brief


def test_a_cramp_counts_from_when_it_was_first_called_one() -> None:
    episode = OpenEpisode.starting(500, 0, 1)
    for hop, kind in ((10, EpisodeKind.LEG_MOVEMENT), (20, EpisodeKind.CRAMP), (30, EpisodeKind.MOVEMENT)):
        adopt(episode, Classification(kind, 0.5, ()), hop)
        assert episode.detected_hop == hop
    adopt(episode, Classification(EpisodeKind.CRAMP, 0.5, ()), 40)
    assert episode.detected_hop == 20
