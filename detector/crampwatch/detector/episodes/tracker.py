"""From active bins to episodes: each is opened, followed, revised, and closed or retracted.

**States.** An episode is in one of four states; `OpenEpisode.kind` is None in the first::

    silent --(0.3 s old)--> reported --(over)--> closed
       |                      |
       +--(weak next to another, or a beat of a series)--> discarded / retracted

- *Silent*: activity is followed, nothing is reported. Most spikes end here within 0.3 s, or turn out to belong to
  something else. One that ends by itself is opened and closed at once.
- *Reported*: revised whenever its kind changes. Up to 2.4 s it is what it would be if it ended now (twitch, leg
  movement); from then on the evidence decides (`classifier`), first every half second, later less often.
- *Closed*: over. The final classification also knows how it ended (`final_model`).
- *Retracted*: it was no episode of its own. Nothing remains of it.

**Why each channel is followed on its own.** Muscles of one foot act alone or together, and that is the best evidence
there is: a cramp stays in one muscle, a movement recruits several. So activity begins and ends on each channel
separately, in bins of 20 ms, and an episode owns the channels whose activity belongs to it. Bins matter since whether
two channels began together is a question of a tenth of a second.

**What a beginning on a channel means.** A trigger (`ActivityRule`) on a channel that no episode owns is traced back to
its first discharge (`onset_search`), but not into an earlier episode of that channel (`barrier_bins`). It then belongs

1. to the nearest episode whose onset is less than 0.7 s away, its *companion*: muscles that begin together are one
   movement;
2. else to an episode in which the same hop is more than four times stronger in amplitude: crosstalk;
3. else to a new episode.

**Crosstalk and helpers.** An episode older than 0.6 s that is 7 dB weaker than the strongest one is merged into it. If
it had begun more than 3 s (the longest look-back) before the strong one, it was an episode of its own and is closed;
otherwise it came with the strong one, or was its beginning, and is retracted. A cramp is never merged away.

**A stronger contraction on top of a weak episode** ends that one where the stronger begins, so that it gets an onset
and a rise of its own. Not on top of a cramp: people move when they
have one.

**Closing.** An episode is over after 0.4 s of silence (2.5 s for a cramp, whose units stop one by one), after 2 s
without signal, or when a cramp is active in less than 40 % of the hops: the beats of a heart and single units that go
on firing do not prolong it. For the same reason activity that stays below a fifth of the episode's largest amplitude
counts for 10 s only: a long tail is tone, or a contact that got worse. One channel may fall silent before the others;
it then no longer belongs to the episode, and what begins there later is examined again.

**Series.** Brief episodes that come back regularly become one (`series`).

Invariants: at any time a channel is owned by at most one open episode; revisions of an episode count up from 1 and end
with `closed` or `retracted`; nothing depends on how the stream was cut into blocks, only on hops and `History.window`.
"""

import math
from dataclasses import dataclass, field

from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.classifier import Classification, classify, classify_young, conclude
from crampwatch.detector.episodes.evidence import Excerpt, gather_evidence, gather_onset_evidence
from crampwatch.detector.episodes.onset_search import (
    LONGEST_LOOK_BACK_S,
    find_burst,
    find_first_discharge,
    find_outgrowth,
)
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.episodes.release_time import release_s
from crampwatch.detector.episodes.revisions import RevisionLog, adopt
from crampwatch.detector.episodes.series import SeriesTracker
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.signal.activity import HopActivity
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import StreamDescription

__all__ = ["EpisodeTracker", "TrackerState"]

_REPORTED_S = 0.3  # younger episodes are not reported: most of them are over, or part of another one, by then
_DENSE_S, _SPARSE_S = 12.0, 60.0  # ages up to which revisions are dense, and from which they are sparse
_DENSE_HOPS, _USUAL_HOPS, _SPARSE_HOPS = 5, 20, 50  # between two: 0.5 s while a cramp has to be found, 2 s, then 5 s
_ONSET_S = 6.0  # up to this age the onset is measured again: its plateau is not known before, as a cramp builds up
_ESTABLISHED_S = 1.2  # a younger episode is still rising itself: a burst is part of it, not another contraction
_OUTGROWN_S = 6.0  # an outgrowth is found by comparing that much
_OUTGROWN_HOPS = 5  # twice a second is enough: the search covers 60 hops, and finds where it began
_YOUNG_S = 0.6  # a younger episode is not merged: it may be about to become the stronger one
_WEAK_BESIDE = 0.2  # 7 dB: crosstalk between foot muscles, or one that only steadies the foot
_LEVEL_PACE = 0.3  # the level of an episode follows within some 0.3 s: one loud hop is no level
_LONGEST_TAIL_S = 10.0  # cramps let go unit by unit within some seconds
_DUTY_PACE, _LEAST_DUTY = 0.037, 0.4
"""A unit that fires four times a second fills half of the hops, the heart a quarter: beats do not prolong a cramp. Full
silence is at the same point after 2.4 s."""


@dataclass(frozen=True, slots=True)
class TrackerState:
    """What has to be carried over to another process.

    Attributes:
        barrier_bins: Bin before which no onset may lie, for each channel.
        open: Episodes under way, in the order they were opened.
        recent: Brief episodes that ended last.
        series: The series under way, as one episode; None without one.
    """

    barrier_bins: list[int]
    open: list[OpenEpisode]
    recent: list[OpenEpisode]
    series: OpenEpisode | None


@dataclass(slots=True)
class EpisodeTracker:
    """Turns active bins into the episodes of one stream.

    Attributes:
        open: The episodes under way, in the order they were opened.
        barrier_bins: Bin before which no onset may lie, for each channel: the end of the latest episode there.
    """

    grid: Grid
    config: DetectorConfig
    stream: StreamDescription
    open: list[OpenEpisode] = field(default_factory=list)
    barrier_bins: list[int] = field(init=False)
    _revisions: RevisionLog = field(init=False)
    _series: SeriesTracker = field(init=False)
    _calibration: Calibration | None = None

    def __post_init__(self) -> None:
        self.barrier_bins = [0] * self.stream.channels
        self._revisions = RevisionLog(self.grid, self.stream)
        self._series = SeriesTracker(self.grid, self._revisions)

    def state(self) -> TrackerState:
        """Return what has to be carried over to another process; it shares its episodes with the tracker."""
        return TrackerState(self.barrier_bins, self.open, self._series.recent, self._series.current)

    def restore(self, state: TrackerState) -> None:
        """Continue from what `state` returned."""
        self.barrier_bins, self.open = state.barrier_bins, state.open
        self._series.recent, self._series.current = state.recent, state.series

    def calibrate(self, calibration: Calibration | None) -> None:
        """Classify with a personal calibration from now on; without one where None."""
        self._calibration = calibration
        self._revisions.calibration_name = "" if calibration is None else calibration.name

    def push(self, history: History, hop: int, activity: HopActivity) -> None:
        """Process one hop; `history` reaches up to this hop at least."""
        if max(activity.begin_bin) >= 0:
            self._close_outgrown(history, hop, activity)
            self._handle_triggers(history, hop, activity)
        for episode in self.open:
            self._follow_activity(episode, hop, activity)
        if len(self.open) > 1:
            self._merge_weak(history, hop)
        for episode in tuple(self.open):
            if self._is_over(episode, hop):
                self._close(episode, history, hop)
            elif self._is_revision_due(episode, hop):
                self._revise(episode, history, hop)
        if not self.open:
            self._series.close_if_overdue(hop)

    def kinds(self) -> tuple[EpisodeKind | None, ...]:
        """Return the present kinds of the episodes under way; None for one not reported yet."""
        series = () if self._series.current is None else (self._series.current.kind,)
        return (*(episode.kind for episode in self.open), *series)

    def is_idle(self) -> bool:
        """Whether nothing is under way, so that hops of rest need not be pushed."""
        return not self.open and self._series.current is None

    def pop_revisions(self) -> list[Episode]:
        """Return the revisions since the last call."""
        return self._revisions.pop()

    def finish(self, history: History, hop: int) -> None:
        """Close everything, as the recording ends."""
        for episode in tuple(self.open):
            self._close(episode, history, hop)
        self._series.close()

    def _handle_triggers(self, history: History, hop: int, activity: HopActivity) -> None:
        """Find or open the episode to which each channel belongs on which something begins."""
        for channel, place in enumerate(activity.begin_bin):
            if place < 0 or any(episode.owned[channel] for episode in self.open):
                continue
            if activity.peak[channel] < self._least_peak():
                continue
            trigger = hop * BINS_PER_HOP + place
            onset = find_first_discharge(
                history,
                self.grid,
                channel=channel,
                trigger_bin=trigger,
                hop=hop,
                earliest_bin=self.barrier_bins[channel],
            )
            episode = (
                self._find_companion(onset)
                or self._find_source(channel, activity)
                or self._open_episode(onset, channel)
            )
            episode.owned[channel] = True
            episode.last_bins[channel] = trigger
            if episode.kind is None:  # once it was reported, its id and onset stay
                episode.onset_bin = episode.id_bin = min(episode.onset_bin, onset)

    def _least_peak(self) -> float:
        return self.config.least_peak_uv if self.stream.has_scale else 0.0

    def _open_episode(self, onset: int, channel: int) -> OpenEpisode:
        self.open.append(OpenEpisode.starting(onset, channel, self.stream.channels))
        return self.open[-1]

    def _find_companion(self, onset: int) -> OpenEpisode | None:
        """Return the episode that began at about the same time, the nearest of several."""
        near = (one for one in self.open if abs(one.onset_bin - onset) * self.grid.bin_s <= self.config.join_s)
        return min(near, key=lambda one: abs(one.onset_bin - onset), default=None)

    def _find_source(self, channel: int, activity: HopActivity) -> OpenEpisode | None:
        """Return an episode so strong that what begins on this channel is its crosstalk, or small next to it."""
        for episode in self.open:
            if activity.excess[channel] < self.config.crosstalk_share**2 * activity.excess[episode.channel]:
                return episode
        return None

    def _close_outgrown(self, history: History, hop: int, activity: HopActivity) -> None:
        """Close a weak episode where something far stronger begins on its channel, which then is one of its own."""
        for episode in tuple(self.open):
            age_s = (hop * BINS_PER_HOP - episode.onset_bin) * self.grid.bin_s
            if episode.kind is EpisodeKind.CRAMP or age_s < _ESTABLISHED_S or activity.begin_bin[episode.channel] < 0:
                continue
            first = find_burst(history, hop, episode.channel)
            if first is None and age_s > _OUTGROWN_S and hop % _OUTGROWN_HOPS == 0:
                first = find_outgrowth(history, hop, episode.channel)
            if first is not None:
                episode.last_bins = [min(last, first - 1) for last in episode.last_bins]
                self._close(episode, history, hop)

    def _merge_weak(self, history: History, hop: int) -> None:
        """Merge what is weak next to the strongest episode into it: crosstalk, or a muscle that helps a little."""
        strongest = max(self.open, key=lambda one: one.level)
        for weak in tuple(self.open):
            is_young = (hop * BINS_PER_HOP - weak.onset_bin) * self.grid.bin_s < _YOUNG_S
            if weak.level >= _WEAK_BESIDE * strongest.level or is_young or weak.kind is EpisodeKind.CRAMP:
                continue
            strongest.owned = [one or other for one, other in zip(strongest.owned, weak.owned, strict=True)]
            strongest.last_bins = [max(pair) for pair in zip(strongest.last_bins, weak.last_bins, strict=True)]
            if (strongest.onset_bin - weak.onset_bin) * self.grid.bin_s > LONGEST_LOOK_BACK_S:
                self._close(weak, history, hop)
            else:
                self._retract(weak)

    def _retract(self, episode: OpenEpisode) -> None:
        self.open.remove(episode)
        if episode.kind is not None:
            self._revisions.append(episode, EpisodeStatus.RETRACTED)

    def _follow_activity(self, episode: OpenEpisode, hop: int, activity: HopActivity) -> None:
        """Add the activity of a hop on the channels that an episode owns."""
        held = activity.linger_bin if episode.kind is EpisodeKind.CRAMP else activity.hold_bin
        own = [channel for channel, owned in enumerate(episode.owned) if owned]
        is_present = any(activity.present[channel] for channel in own)
        episode.missing_hops += not is_present
        active = [channel for channel in own if held[channel] >= 0]
        if is_present:
            episode.duty += _DUTY_PACE * (bool(active) - episode.duty)
        if not active or self._is_only_tail(episode, hop):
            return
        episode.missing_hops = 0
        for channel in active:
            episode.last_bins[channel] = max(episode.last_bins[channel], hop * BINS_PER_HOP + held[channel])
        self._update_level(episode, hop, activity.excess[episode.channel])
        for channel in own:
            episode.energy[channel] += activity.excess[channel]
            episode.peak[channel] = max(episode.peak[channel], activity.peak[channel])
        if len(own) > 1:
            self._drop_silent_channels(episode, hop)

    def _update_level(self, episode: OpenEpisode, hop: int, excess: float) -> None:
        episode.level += _LEVEL_PACE * (excess - episode.level)
        episode.highest = max(episode.highest, episode.level)
        if episode.level >= self.config.tail_share**2 * episode.highest:
            episode.strong_hop = hop

    def _is_only_tail(self, episode: OpenEpisode, hop: int) -> bool:
        """Whether only a remainder has been left for long: tone, or a worse contact, is not part of the episode."""
        strong_hop = max(episode.strong_hop, episode.onset_bin // BINS_PER_HOP)
        return (hop - strong_hop) * self.grid.hop_s > _LONGEST_TAIL_S

    def _drop_silent_channels(self, episode: OpenEpisode, hop: int) -> None:
        """Disown channels that have been silent for as long as would end an episode, while another goes on."""
        earliest = (hop + 1) * BINS_PER_HOP - 1 - self._closing_silence_s(episode) / self.grid.bin_s
        stay = [owned and last >= earliest for owned, last in zip(episode.owned, episode.last_bins, strict=True)]
        if any(stay):  # always, unless the silence is configured to be shorter than a hop
            episode.owned = stay

    def _closing_silence_s(self, episode: OpenEpisode) -> float:
        return self.config.merge_cramp_s if episode.kind is EpisodeKind.CRAMP else self.config.merge_s

    def _is_over(self, episode: OpenEpisode, hop: int) -> bool:
        missing_s = episode.missing_hops * self.grid.hop_s
        if missing_s > self.config.bridge_s:
            return True
        if episode.kind is EpisodeKind.CRAMP and episode.duty < _LEAST_DUTY:
            return True
        bins = (hop + 1) * BINS_PER_HOP - 1 - episode.last_bin
        return bins * self.grid.bin_s - missing_s > self._closing_silence_s(episode)

    def _is_revision_due(self, episode: OpenEpisode, hop: int) -> bool:
        hops = hop - episode.onset_bin // BINS_PER_HOP
        age_s = hops * self.grid.hop_s
        if episode.kind is None:
            return age_s >= _REPORTED_S
        if age_s < self.config.confirm_s:
            return episode.kind is EpisodeKind.TWITCH and age_s > self.config.twitch_s
        every = _DENSE_HOPS if age_s < _DENSE_S else _USUAL_HOPS if age_s < _SPARSE_S else _SPARSE_HOPS
        return hops % every == 0

    def _classify(self, episode: OpenEpisode, history: History, hop: int, *, ended: bool) -> Classification:
        age_s = (episode.last_bin + 1 - episode.onset_bin) * self.grid.bin_s
        if not ended and age_s < self.config.confirm_s:
            return classify_young(age_s, self.config)
        excerpt = Excerpt.of(
            history.window(hop),
            self.grid,
            onset_bin=episode.onset_bin,
            end_bin=episode.last_bin + 1,
            channel=episode.channel,
        )
        if episode.onset is None or age_s <= _ONSET_S:
            episode.onset = gather_onset_evidence(excerpt)
        own_effort = math.nan if self._calibration is None else self._calibration.own_amplitude(excerpt.channel)
        evidence = gather_evidence(excerpt, episode.onset, own_effort=own_effort)
        episode.mean_hz = evidence.mean_hz
        was_cramp = episode.kind is EpisodeKind.CRAMP
        result = classify(evidence, self.config, ended=ended, was_cramp=was_cramp, scale_known=self.stream.has_scale)
        if not math.isnan(result.odds):
            episode.looks += 1
            episode.odds += result.odds
        return result

    def _revise(self, episode: OpenEpisode, history: History, hop: int) -> None:
        """Classify an episode under way; emit a revision where its kind changed."""
        result = self._classify(episode, history, hop, ended=False)
        if result.kind is episode.kind:
            _keep_clearest(episode, result)
            return
        status = EpisodeStatus.OPENED if episode.kind is None else EpisodeStatus.UPDATED
        adopt(episode, result, hop)
        self._revisions.append(episode, status)

    def _close(self, episode: OpenEpisode, history: History, hop: int) -> None:
        """Emit the last revision of an episode, or let it become a beat of a series."""
        result = self._conclude(episode, history, hop, self._classify(episode, history, hop, ended=True))
        self.open.remove(episode)
        for channel, owned in enumerate(episode.owned):
            if owned:
                self.barrier_bins[channel] = episode.last_bins[channel] + 1
        if self._series.is_brief(episode) and self._series.absorb(episode, result, hop):
            return
        is_first_revision = episode.kind is None
        adopt(episode, result, hop)
        if is_first_revision:
            self._revisions.append(episode, EpisodeStatus.OPENED)
        self._revisions.append(episode, EpisodeStatus.CLOSED)
        if self._series.is_brief(episode):
            self._series.remember(episode, hop)

    def _conclude(self, episode: OpenEpisode, history: History, hop: int, latest: Classification) -> Classification:
        """Return the final classification; how it ended is unknown where the signal broke off or it was outgrown."""
        end_bin = episode.last_bin + 1
        silent_bins = (hop + 1) * BINS_PER_HOP - end_bin
        is_end_seen = silent_bins >= self.config.merge_s / self.grid.bin_s and not episode.missing_hops
        released_s = math.nan
        if is_end_seen:
            window, onset_bin = history.window(hop), episode.onset_bin
            released_s = release_s(window, self.grid, onset_bin=onset_bin, end_bin=end_bin, channel=episode.channel)
        return conclude(
            latest,
            self.config,
            mean_odds=episode.odds / max(episode.looks, 1),
            lasted_s=(end_bin - episode.onset_bin) * self.grid.bin_s,
            release_s=released_s,
        )


def _keep_clearest(episode: OpenEpisode, result: Classification) -> None:
    """Store confidence and reasons of a result that confirms the present kind.

    For a cramp only if its confidence is higher than before: the last units of a fading cramp must not lower it.
    """
    if result.kind is not EpisodeKind.CRAMP or result.confidence >= episode.confidence:
        episode.confidence, episode.reasons = result.confidence, result.reasons
