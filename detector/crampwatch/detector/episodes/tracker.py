"""The life of episodes: opened at a clear burst, followed back to its first discharge, revised, closed or retracted.

Muscles of one foot act alone or together, so each channel is followed on its own; channels that begin together belong
to
one episode, and one that falls silent leaves it.
"""

import math
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.bursts import FEWEST_BEATS, Beat, continues, is_regular
from crampwatch.detector.episodes.classifier import Verdict, classify, conclude, provisional, regular
from crampwatch.detector.episodes.features import Look, OnsetEvidence, gather, gather_onset
from crampwatch.detector.episodes.release_time import release_s
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.signal.activity import HopActivity
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.nan import filled
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason
from crampwatch.protocol.stream import StreamDescription

__all__ = ["EpisodeTracker", "OpenEpisode", "TrackerState"]

_LOOK_BACK_S = 3.0
_DISCHARGE_GAP_S = 0.4  # sputtering units fire at 6 a second and irregularly: further apart is another event
_ANNOUNCE_S = 0.3
_ONSET_S = 6.0
_ESTABLISHED_S = 1.2
_LEVEL_BINS, _BURST_BINS = 60, 2 * BINS_PER_HOP
_LEVEL_PACE = 0.3  # the level of an episode follows within some 0.3 s
_YOUNG_S = 0.6
_WEAK_BESIDE = 0.2  # 7 dB: crosstalk between foot muscles, or one that only steadies the foot
_STANDS_UP = 25.0  # 14 dB within a tenth of a second: no recruitment is that fast but a jerk or a ballistic movement
_OUTGROWS = 12.0  # 11 dB over what was held evenly for seconds: another contraction, or one after a worse contact
_EVEN = 2.5
_OUTGROWN_S, _OUTGROWN_HOPS, _WEAK_HOPS = 6.0, 60, 40  # looked at: 6 s, of which the weak one fills the first 4
_EVERY_HOPS = 5  # looked for twice a second
_BRIEF_S = 2.0
_LONGEST_TAIL_S = 10.0  # cramps let go unit by unit within some seconds
_DUTY_PACE, _LEAST_DUTY = 0.037, 0.4
"""A unit that fires four times a second fills half of the hops, the heart a quarter: beats do not prolong a cramp. Full
silence is at the same point after 2.4 s."""
_DENSE_S, _SPARSE_S = 12.0, 60.0


@dataclass(slots=True)
class OpenEpisode:
    """An episode under way. Bins are counted from sample index 0.

    Attributes:
        id_bin: Onset when first told; with `id_channel` the name of the episode.
        id_channel: Channel that began it.
        onset_bin: First visible activity.
        last_bins: Latest activity of each channel, -1 before any.
        owned: Whether a channel's activity belongs to it at present.
        energy: Power over the floor of each channel, summed over hops.
        peak: Largest deviation of each channel.
        level: Power over the floor of the strongest channel, over the last few hops.
        highest: The largest level so far.
        strong_hop: Latest hop at which it was more than a remainder of that.
        duty: Share of the hops, over the last few seconds, in which it was active.
        missing_hops: Hops without signal since the latest activity.
        onset: What was found out about the onset.
        revision: Revisions told so far.
        kind: Kind told last; None before the first.
        detected_hop: Hop at whose end the present kind was first known.
        cramp_hop: Hop at whose end it was first confirmed as a cramp; -1 before.
        confidence: Confidence told last.
        reasons: Reasons told last.
        mean_hz: Mean frequency; NaN before the episode was looked at as a whole.
        looks: Times it was looked at as a whole.
        odds: Log odds for a cramp, summed over those looks.
    """

    id_bin: int
    id_channel: int
    onset_bin: int
    last_bins: list[int]
    owned: list[bool]
    energy: list[float]
    peak: list[float]
    level: float = 0.0
    highest: float = 0.0
    strong_hop: int = 0
    duty: float = 1.0
    missing_hops: int = 0
    onset: OnsetEvidence | None = None
    revision: int = 0
    kind: EpisodeKind | None = None
    detected_hop: int = 0
    cramp_hop: int = -1
    confidence: float = 0.0
    reasons: tuple[Reason, ...] = ()
    mean_hz: float = math.nan
    looks: int = 0
    odds: float = 0.0

    @property
    def last_bin(self) -> int:
        """Latest activity on any channel."""
        return max(self.last_bins)

    @property
    def channel(self) -> int:
        """The strongest channel."""
        return self.energy.index(max(self.energy))


@dataclass(frozen=True, slots=True)
class TrackerState:
    """What has to be carried over to another process; attributes as in `EpisodeTracker`."""

    barrier_bins: list[int]
    open: list[OpenEpisode]
    recent: list[OpenEpisode]
    series: OpenEpisode | None


@dataclass(slots=True)
class EpisodeTracker:
    """Turns active bins into the episodes of one sensor.

    Attributes:
        grid: Bins and hops.
        config: Thresholds.
        stream: The stream as the sensor describes it.
        open: The episodes under way, by onset.
        barrier_bins: No episode reaches back before this; one a channel.
        recent: Brief episodes that ended last, which may turn out to be a series.
        series: The series under way, as one episode.
        calibration: What is known of the wearer; None where nothing is.
    """

    grid: Grid
    config: DetectorConfig
    stream: StreamDescription
    open: list[OpenEpisode] = field(default_factory=list)
    barrier_bins: list[int] = field(default_factory=list)
    recent: list[OpenEpisode] = field(default_factory=list)
    series: OpenEpisode | None = None
    calibration: Calibration | None = None
    _changes: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.barrier_bins = self.barrier_bins or [0] * self.stream.channels

    def state(self) -> TrackerState:
        """Return what has to be carried over to another process; it shares its episodes with the tracker."""
        return TrackerState(self.barrier_bins, self.open, self.recent, self.series)

    def restore(self, state: TrackerState) -> None:
        """Continue from what `state` returned."""
        self.barrier_bins, self.open = state.barrier_bins, state.open
        self.recent, self.series = state.recent, state.series

    def hop(self, history: History, hop: int, activity: HopActivity) -> None:
        """Take one hop; `history` reaches up to this hop at least."""
        if max(activity.begin_bin) >= 0:
            self._split(history, hop, activity)
            self._begin(history, hop, activity)
        for episode in self.open:
            self._follow(episode, hop, activity)
        if len(self.open) > 1:
            self._absorb(history, hop)
        for episode in tuple(self.open):
            if self._is_over(episode, hop):
                self._close(episode, history, hop)
            elif self._is_due(episode, hop):
                self._revise(episode, history, hop)
        if self.series is not None and not self.open:
            self._end_series(self.series, hop)

    def kinds(self) -> tuple[EpisodeKind | None, ...]:
        """Return what the episodes under way are called at present; None for one not told yet."""
        series = () if self.series is None else (self.series.kind,)
        return (*(episode.kind for episode in self.open), *series)

    def is_idle(self) -> bool:
        """Whether nothing is under way, so that hops of rest need not be told."""
        return not self.open and self.series is None

    def take_changes(self) -> list[Episode]:
        """Return what was said since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def finish(self, history: History, hop: int) -> None:
        """Close what is open, as the recording ends."""
        for episode in tuple(self.open):
            self._close(episode, history, hop)
        if self.series is not None:
            self._tell(self.series, EpisodeStatus.CLOSED)
            self.series = None

    def _begin(self, history: History, hop: int, activity: HopActivity) -> None:
        for channel, place in enumerate(activity.begin_bin):
            if place < 0 or any(episode.owned[channel] for episode in self.open):
                continue
            if activity.peak[channel] < self._least_peak():
                continue
            trigger = hop * BINS_PER_HOP + place
            onset = self._first_discharge(history, channel, trigger, hop)
            episode = self._companion(onset) or self._source(channel, activity) or self._new_episode(onset, channel)
            episode.owned[channel] = True
            episode.last_bins[channel] = trigger
            if episode.kind is None:
                episode.onset_bin = episode.id_bin = min(episode.onset_bin, onset)

    def _least_peak(self) -> float:
        return self.config.least_peak_uv if self.stream.has_scale else 0.0

    def _split(self, history: History, hop: int, activity: HopActivity) -> None:
        """End a weak episode where something far stronger stands up from it, so that this is seen as its own."""
        for episode in tuple(self.open):
            old_s = (hop * BINS_PER_HOP - episode.onset_bin) * self.grid.bin_s
            if episode.kind is EpisodeKind.CRAMP or old_s < _ESTABLISHED_S or activity.begin_bin[episode.channel] < 0:
                continue
            first = _burst_bin(history, hop, episode.channel)
            if first is None and old_s > _OUTGROWN_S and hop % _EVERY_HOPS == 0:
                first = _outgrown_bin(history, hop, episode.channel)
            if first is not None:
                episode.last_bins = [min(last, first - 1) for last in episode.last_bins]
                self._close(episode, history, hop)

    def _companion(self, onset: int) -> OpenEpisode | None:
        """Return an episode that began at about the same time."""
        near = (one for one in self.open if abs(one.onset_bin - onset) * self.grid.bin_s <= self.config.join_s)
        return min(near, key=lambda one: abs(one.onset_bin - onset), default=None)

    def _source(self, channel: int, activity: HopActivity) -> OpenEpisode | None:
        """Return an episode so strong that what begins on this channel is its crosstalk, or small beside it."""
        for episode in self.open:
            if activity.excess[channel] < self.config.crosstalk_share**2 * activity.excess[episode.channel]:
                return episode
        return None

    def _absorb(self, history: History, hop: int) -> None:
        """Let the strongest episode take in what is weak beside it: crosstalk, or a muscle that helps a little."""
        strongest = max(self.open, key=lambda one: one.level)
        for weak in tuple(self.open):
            young = (hop * BINS_PER_HOP - weak.onset_bin) * self.grid.bin_s < _YOUNG_S
            if weak.level >= _WEAK_BESIDE * strongest.level or young or weak.kind is EpisodeKind.CRAMP:
                continue
            strongest.owned = [one or other for one, other in zip(strongest.owned, weak.owned, strict=True)]
            strongest.last_bins = [max(pair) for pair in zip(strongest.last_bins, weak.last_bins, strict=True)]
            if (strongest.onset_bin - weak.onset_bin) * self.grid.bin_s > _LOOK_BACK_S:
                self._close(weak, history, hop)
            else:
                self._retract(weak)

    def _retract(self, episode: OpenEpisode) -> None:
        self.open.remove(episode)
        if episode.kind is not None:
            self._tell(episode, EpisodeStatus.RETRACTED)

    def _new_episode(self, onset: int, channel: int) -> OpenEpisode:
        count = self.stream.channels
        self.open.append(
            OpenEpisode(onset, channel, onset, [-1] * count, [False] * count, [0.0] * count, [0.0] * count)
        )
        return self.open[-1]

    def _first_discharge(self, history: History, channel: int, trigger: int, hop: int) -> int:
        """Follow a train of discharges back from the bin that triggered."""
        base = history.first_hop * BINS_PER_HOP
        floor = history.floor[hop - history.first_hop, channel]
        first = max(self.barrier_bins[channel], base, trigger - round(_LOOK_BACK_S / self.grid.bin_s))
        power = filled(history.measures.bin_power[first - base : trigger - base, channel])
        bins = np.arange(first, first + len(power))
        usable = history.usable[bins // BINS_PER_HOP - history.first_hop, channel]
        onset = trigger
        for place in bins[(power > 4.0 * floor) & usable][::-1].tolist():
            if (onset - place) * self.grid.bin_s > _DISCHARGE_GAP_S:
                break
            onset = place
        return onset

    def _follow(self, episode: OpenEpisode, hop: int, activity: HopActivity) -> None:
        held = activity.linger_bin if episode.kind is EpisodeKind.CRAMP else activity.hold_bin
        own = [channel for channel, owned in enumerate(episode.owned) if owned]
        present = any(activity.present[channel] for channel in own)
        episode.missing_hops += not present
        active = [channel for channel in own if held[channel] >= 0]
        if present:
            episode.duty += _DUTY_PACE * (bool(active) - episode.duty)
        if not active or self._is_spent(episode, hop):
            return
        episode.missing_hops = 0
        for channel in active:
            episode.last_bins[channel] = max(episode.last_bins[channel], hop * BINS_PER_HOP + held[channel])
        episode.level += _LEVEL_PACE * (activity.excess[episode.channel] - episode.level)
        episode.highest = max(episode.highest, episode.level)
        if episode.level >= self.config.tail_share**2 * episode.highest:
            episode.strong_hop = hop
        for channel in own:
            episode.energy[channel] += activity.excess[channel]
            episode.peak[channel] = max(episode.peak[channel], activity.peak[channel])
        if len(own) > 1:
            self._release(episode, hop)

    def _is_spent(self, episode: OpenEpisode, hop: int) -> bool:
        """Whether only a remainder has been left for long: a worse contact, or tone, is no part of what was before."""
        return (hop - max(episode.strong_hop, episode.onset_bin // BINS_PER_HOP)) * self.grid.hop_s > _LONGEST_TAIL_S

    def _release(self, episode: OpenEpisode, hop: int) -> None:
        """Let a channel go that fell silent while another goes on."""
        latest = (hop + 1) * BINS_PER_HOP - 1 - self._merge_s(episode) / self.grid.bin_s
        stay = [owned and last >= latest for owned, last in zip(episode.owned, episode.last_bins, strict=True)]
        if any(stay):
            episode.owned = stay

    def _merge_s(self, episode: OpenEpisode) -> float:
        return self.config.merge_cramp_s if episode.kind is EpisodeKind.CRAMP else self.config.merge_s

    def _is_over(self, episode: OpenEpisode, hop: int) -> bool:
        missing_s = episode.missing_hops * self.grid.hop_s
        if missing_s > self.config.bridge_s:
            return True
        if episode.kind is EpisodeKind.CRAMP and episode.duty < _LEAST_DUTY:
            return True
        bins = (hop + 1) * BINS_PER_HOP - 1 - episode.last_bin
        return bins * self.grid.bin_s - missing_s > self._merge_s(episode)

    def _is_due(self, episode: OpenEpisode, hop: int) -> bool:
        """Revise every half second at first, later less often."""
        hops = hop - episode.onset_bin // BINS_PER_HOP
        age_s = hops * self.grid.hop_s
        if episode.kind is None:
            return age_s >= _ANNOUNCE_S
        if age_s < self.config.confirm_s:
            return episode.kind is EpisodeKind.TWITCH and age_s > self.config.twitch_s
        every = 5 if age_s < _DENSE_S else 20 if age_s < _SPARSE_S else 50
        return hops % every == 0

    def _judge(self, episode: OpenEpisode, history: History, hop: int, *, ended: bool) -> Verdict:
        age_s = (episode.last_bin + 1 - episode.onset_bin) * self.grid.bin_s
        if not ended and age_s < self.config.confirm_s:
            return provisional(age_s, self.config)
        look = Look.of(
            history.window(hop),
            self.grid,
            onset_bin=episode.onset_bin,
            end_bin=episode.last_bin + 1,
            channel=episode.channel,
        )
        if episode.onset is None or age_s <= _ONSET_S:
            episode.onset = gather_onset(look)
        own = math.nan if self.calibration is None else self.calibration.own_on(look.channel)
        evidence = gather(look, episode.onset, own=own)
        episode.mean_hz = evidence.mean_hz
        was_cramp = episode.kind is EpisodeKind.CRAMP
        verdict = classify(evidence, self.config, ended=ended, was_cramp=was_cramp, scale_known=self.stream.has_scale)
        if not math.isnan(verdict.odds):
            episode.looks += 1
            episode.odds += verdict.odds
        return verdict

    def _revise(self, episode: OpenEpisode, history: History, hop: int) -> None:
        verdict = self._judge(episode, history, hop, ended=False)
        if verdict.kind is episode.kind:
            _reinforce(episode, verdict)
            return
        status = EpisodeStatus.OPENED if episode.kind is None else EpisodeStatus.UPDATED
        self._adopt(episode, verdict, hop)
        self._tell(episode, status)

    def _close(self, episode: OpenEpisode, history: History, hop: int) -> None:
        verdict = self._conclude(episode, history, hop, self._judge(episode, history, hop, ended=True))
        self.open.remove(episode)
        for channel, owned in enumerate(episode.owned):
            if owned:
                self.barrier_bins[channel] = episode.last_bins[channel] + 1
        if self._is_brief(episode) and self._joins_series(episode, verdict, hop):
            return
        untold = episode.kind is None
        self._adopt(episode, verdict, hop)
        if untold:
            self._tell(episode, EpisodeStatus.OPENED)
        self._tell(episode, EpisodeStatus.CLOSED)
        if self._is_brief(episode):
            self._remember(episode, hop)

    def _conclude(self, episode: OpenEpisode, history: History, hop: int, last_look: Verdict) -> Verdict:
        """Have the last word; how it let go is not known where the signal broke off or something stronger came."""
        end_bin = episode.last_bin + 1
        lasted_s = (end_bin - episode.onset_bin) * self.grid.bin_s
        seen = (hop + 1) * BINS_PER_HOP - end_bin >= self.config.merge_s / self.grid.bin_s and not episode.missing_hops
        released_s = math.nan
        if seen:
            window = history.window(hop)
            released_s = release_s(
                window, self.grid, onset_bin=episode.onset_bin, end_bin=end_bin, channel=episode.channel
            )
        return conclude(
            last_look,
            self.config,
            mean_odds=episode.odds / max(episode.looks, 1),
            lasted_s=lasted_s,
            release_s=released_s,
        )

    def _is_brief(self, episode: OpenEpisode) -> bool:
        return (episode.last_bin - episode.onset_bin) * self.grid.bin_s < _BRIEF_S

    def _beat(self, episode: OpenEpisode) -> Beat:
        bins = episode.last_bin + 1 - episode.onset_bin
        onset_s, duration_s = episode.onset_bin * self.grid.bin_s, bins * self.grid.bin_s
        return Beat(onset_s, duration_s, max(episode.peak), episode.mean_hz)

    def _joins_series(self, episode: OpenEpisode, verdict: Verdict, hop: int) -> bool:
        """Let the series under way take a brief episode in, unless it is of another kind."""
        series = self.series
        if series is None or verdict.kind is EpisodeKind.CRAMP:
            return False
        if not continues([self._beat(one) for one in self.recent], self._beat(episode)):
            self._tell(series, EpisodeStatus.CLOSED)
            self.series, self.recent = None, []
            return False
        if episode.kind is not None:
            episode.kind = verdict.kind
            self._tell(episode, EpisodeStatus.RETRACTED)
        _take_in(series, episode)
        self.recent = [*self.recent[1:], episode]
        series.detected_hop = min(series.detected_hop, hop)
        return True

    def _remember(self, episode: OpenEpisode, hop: int) -> None:
        """Keep a brief episode; where the last few are regular, make them one."""
        self.recent = [*self.recent, episode][-FEWEST_BEATS:]
        beats = [self._beat(one) for one in self.recent]
        if not is_regular(beats):
            return
        first, *others = self.recent
        self.series = series = replace(
            first, last_bins=list(first.last_bins), energy=list(first.energy), peak=list(first.peak)
        )
        for other in others:
            self._tell(other, EpisodeStatus.RETRACTED)
            _take_in(series, other)
        self._adopt(series, regular(beats), hop)
        self._tell(series, EpisodeStatus.UPDATED)

    def _end_series(self, series: OpenEpisode, hop: int) -> None:
        beats = [self._beat(one) for one in self.recent]
        now = Beat((hop + 1) * self.grid.hop_s, 0.0, beats[-1].peak, 0.0)
        if not continues(beats, now):
            self._tell(series, EpisodeStatus.CLOSED)
            self.series, self.recent = None, []

    def _adopt(self, episode: OpenEpisode, verdict: Verdict, hop: int) -> None:
        if verdict.kind is not episode.kind:
            episode.detected_hop = hop
        episode.kind, episode.confidence, episode.reasons = verdict.kind, verdict.confidence, verdict.reasons
        if verdict.kind is EpisodeKind.CRAMP:
            episode.cramp_hop = hop if episode.cramp_hop < 0 else episode.cramp_hop
            episode.detected_hop = episode.cramp_hop

    def _tell(self, episode: OpenEpisode, status: EpisodeStatus) -> None:
        assert episode.kind is not None
        episode.revision += 1
        bin_samples = self.grid.bin_samples
        ended = status in (EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED)
        channels = _channels(episode.energy)
        self._changes.append(
            Episode(
                status=status,
                episode_id=f"s{self.stream.stream}-{episode.id_bin * bin_samples}-{episode.id_channel}",
                revision=episode.revision,
                kind=episode.kind,
                onset_index=episode.onset_bin * bin_samples,
                offset_index=(episode.last_bin + 1) * bin_samples if ended else None,
                detected_index=(episode.detected_hop + 1) * self.grid.hop_samples,
                channels=channels,
                confidence=round(episode.confidence, 3),
                peak=max(episode.peak),
                unit="uV" if self.stream.has_scale else "relative",
                why=episode.reasons,
                rate_hz=self.stream.rate_hz,
                labels=tuple(self.stream.labels[channel] for channel in channels) if self.stream.labels else (),
                calibration="" if self.calibration is None else self.calibration.name,
            )
        )


def _reinforce(episode: OpenEpisode, verdict: Verdict) -> None:
    """Note the clearest look at a cramp."""
    clearest = _at_its_clearest(episode, verdict)
    episode.confidence, episode.reasons = clearest.confidence, clearest.reasons


def _at_its_clearest(episode: OpenEpisode, verdict: Verdict) -> Verdict:
    """Return the surest verdict on a cramp so far: one that lets go is no less a cramp for what its last units do."""
    still = verdict.kind is episode.kind is EpisodeKind.CRAMP
    if not still or verdict.confidence >= episode.confidence:
        return verdict
    return Verdict(verdict.kind, episode.confidence, episode.reasons)


def _burst_bin(history: History, hop: int, channel: int) -> int | None:
    """Return the bin of the last two hops at which a burst stands up from what was before."""
    end = (hop - history.first_hop + 1) * BINS_PER_HOP
    power = history.measures.bin_power[:, channel]
    before, latest = power[max(0, end - _LEVEL_BINS) : end - _BURST_BINS], power[end - _BURST_BINS : end].tolist()
    # Nearly always the hop just before is as strong, which says it without looking at all of them.
    if not max(latest) > _STANDS_UP * max(before[-BINS_PER_HOP:].tolist(), default=math.inf):
        return None
    strongest = max(filter(math.isfinite, before.tolist()))
    place = next((place for place, one in enumerate(latest) if one > _STANDS_UP * strongest), None)
    return None if place is None else (hop - 1) * BINS_PER_HOP + place


def _outgrown_bin(history: History, hop: int, channel: int) -> int | None:
    """Return the bin at which a contraction far stronger than the even, weak one of the seconds before began."""
    end = hop - history.first_hop + 1
    power = history.measures.power[max(0, end - _OUTGROWN_HOPS) : end, channel].tolist()
    if len(power) < _OUTGROWN_HOPS or not all(map(math.isfinite, power)):
        return None
    before, since = sorted(power[:_WEAK_HOPS]), power[_WEAK_HOPS:]
    weak = before[_WEAK_HOPS // 2]
    is_even = before[(9 * _WEAK_HOPS) // 10] < _EVEN * weak
    if not is_even or median(since[-_EVERY_HOPS:]) < _OUTGROWS * weak:
        return None
    place = max((place for place, one in enumerate(since) if one < _EVEN * weak), default=-1) + 1
    return (hop + 1 - len(since) + place) * BINS_PER_HOP


def _take_in(series: OpenEpisode, member: OpenEpisode) -> None:
    series.last_bins = [max(pair) for pair in zip(series.last_bins, member.last_bins, strict=True)]
    series.energy = [sum(pair) for pair in zip(series.energy, member.energy, strict=True)]
    series.peak = [max(pair) for pair in zip(series.peak, member.peak, strict=True)]


def _channels(energy: list[float]) -> tuple[int, ...]:
    """Return the channels with at least a tenth of the strongest one's power, the strongest first."""
    order = sorted(range(len(energy)), key=lambda channel: -energy[channel])
    return tuple(channel for channel in order if energy[channel] >= 0.1 * energy[order[0]])
