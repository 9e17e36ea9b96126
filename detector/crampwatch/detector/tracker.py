"""The life of episodes: opened at a clear burst, followed back to its first discharge, revised, closed or retracted."""

from dataclasses import dataclass, field, replace

import numpy as np
from crampwatch.detector.classify import Verdict, classify
from crampwatch.detector.config import DetectorConfig
from crampwatch.detector.events import EpisodeChange, EpisodeStatus
from crampwatch.detector.evidence import gather
from crampwatch.detector.grid import BINS_PER_HOP, Grid
from crampwatch.detector.history import History
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["EpisodeTracker", "OpenEpisode"]

_LOOK_BACK_S = 3.0
_DISCHARGE_GAP_S = 0.4  # sputtering units fire at 6 a second and irregularly: further apart is another event
_ANNOUNCE_S = 0.3
_DENSE_S, _SPARSE_S = 12.0, 60.0


@dataclass(slots=True)
class OpenEpisode:
    """An episode under way. Bins are counted from sample index 0.

    Attributes:
        onset_bin: First visible activity.
        last_bin: Latest activity.
        active_bins: Bins with activity so far.
        energy: Power over the floor summed over hops; (channels,).
        peak: Largest deviation; (channels,).
        revision: Revisions told so far.
        kind: Kind told last; None before the first.
        confidence: Confidence told last.
        detected_hop: Hop at whose end the present kind was first known.
        missing_hops: Hops without signal since the latest activity.
        reasons: Reasons told last.
        cramp_hop: Hop at which it was first confirmed as a cramp; -1 before.
    """

    onset_bin: int
    last_bin: int
    active_bins: int
    energy: NDArray[np.float64]
    peak: NDArray[np.float64]
    revision: int = 0
    kind: EpisodeKind | None = None
    confidence: float = 0.0
    detected_hop: int = 0
    missing_hops: int = 0
    reasons: tuple[str, ...] = ()
    cramp_hop: int = -1


@dataclass(slots=True)
class EpisodeTracker:
    """Turns active bins into episodes of one sensor, all channels together.

    Attributes:
        grid: Bins and hops.
        config: Thresholds.
        stream_name: Beginning of episode ids.
        scale_known: Whether powers are in uV2.
        current: The episode under way.
        barrier_bin: No episode reaches back before this.
    """

    grid: Grid
    config: DetectorConfig
    stream_name: str
    scale_known: bool
    current: OpenEpisode | None = None
    barrier_bin: int = 0
    changes: list[EpisodeChange] = field(default_factory=list)

    def hop(
        self, history: History, hop: int, begins: NDArray[np.bool_], holds: NDArray[np.bool_], *, present: bool
    ) -> None:
        """Take one hop.

        Args:
            history: Measures, up to this hop at least.
            hop: Number of the hop.
            begins: Bins that may begin an episode; (5, channels).
            holds: Bins that belong to one; (5, channels).
            present: Whether any channel could be judged.
        """
        episode = self.current
        if episode is None:
            if not begins.any():
                return
            episode = self.current = self._open(history, hop, begins)
        self._follow(episode, history, hop, holds, present=present)
        if self._is_over(episode, hop):
            self._close(episode, history, hop)
        elif self._is_due(episode, hop):
            self._revise(episode, history, hop)

    def take_changes(self) -> list[EpisodeChange]:
        """Return what was said since the last call."""
        changes, self.changes = self.changes, []
        return changes

    def finish(self, history: History, hop: int) -> None:
        """Close what is open, as the recording ends."""
        if self.current is not None:
            self._close(self.current, history, hop)

    def _open(self, history: History, hop: int, begins: NDArray[np.bool_]) -> OpenEpisode:
        trigger = hop * BINS_PER_HOP + int(np.flatnonzero(begins.any(axis=1))[0])
        onset = self._first_discharge(history, trigger, hop)
        nothing = np.zeros(begins.shape[1])
        return OpenEpisode(onset, trigger, 0, nothing, nothing.copy())

    def _first_discharge(self, history: History, trigger: int, hop: int) -> int:
        """Follow a train of discharges back from the bin that triggered."""
        base = history.first_hop * BINS_PER_HOP
        floor = history.floor[hop - history.first_hop]
        first = max(self.barrier_bin, base, trigger - round(_LOOK_BACK_S / self.grid.bin_s))
        power = np.nan_to_num(history.measures.bin_power[first - base : trigger - base])
        usable = np.repeat(history.usable[first // BINS_PER_HOP - history.first_hop :], BINS_PER_HOP, axis=0)
        usable = usable[first % BINS_PER_HOP :][: len(power)]
        active = np.flatnonzero(((power > 4.0 * floor) & usable).any(axis=1))
        onset = trigger
        for place in active[::-1] + first:
            if (onset - place) * self.grid.bin_s > _DISCHARGE_GAP_S:
                break
            onset = int(place)
        return onset

    def _follow(
        self, episode: OpenEpisode, history: History, hop: int, holds: NDArray[np.bool_], *, present: bool
    ) -> None:
        row = hop - history.first_hop
        held = np.flatnonzero(holds.any(axis=1))
        episode.missing_hops = 0 if present else episode.missing_hops + 1
        if not len(held):
            return
        episode.last_bin = max(episode.last_bin, hop * BINS_PER_HOP + int(held[-1]))
        episode.active_bins += len(held)
        excess = np.where(history.usable[row], np.nan_to_num(history.measures.power[row] - history.floor[row]), 0.0)
        episode.energy = episode.energy + np.maximum(excess, 0.0)
        bins = slice(row * BINS_PER_HOP, (row + 1) * BINS_PER_HOP)
        peak = np.where(history.usable[row], np.nan_to_num(history.measures.bin_peak[bins]).max(axis=0), 0.0)
        episode.peak = np.maximum(episode.peak, peak)

    def _silence_s(self, episode: OpenEpisode, hop: int) -> float:
        bins = (hop + 1) * BINS_PER_HOP - 1 - episode.last_bin
        return bins * self.grid.bin_s - episode.missing_hops * self.grid.hop_s

    def _is_over(self, episode: OpenEpisode, hop: int) -> bool:
        allowed = self.config.merge_cramp_s if episode.kind is EpisodeKind.CRAMP else self.config.merge_s
        if episode.missing_hops * self.grid.hop_s > self.config.bridge_s:
            return True
        return self._silence_s(episode, hop) > allowed

    def _is_due(self, episode: OpenEpisode, hop: int) -> bool:
        """Revise every half second at first, later less often."""
        hops = hop - episode.onset_bin // BINS_PER_HOP
        age_s = hops * self.grid.hop_s
        if episode.kind is None:
            return age_s >= _ANNOUNCE_S
        every = 5 if age_s < _DENSE_S else 10 if age_s < _SPARSE_S else 50
        return hops % every == 0

    def _judge(self, episode: OpenEpisode, history: History, *, ended: bool) -> Verdict:
        span = episode.last_bin + 1 - episode.onset_bin
        evidence = gather(
            history,
            self.grid,
            onset_bin=episode.onset_bin,
            end_bin=episode.last_bin + 1,
            channel=int(episode.energy.argmax()),
            duty=min(1.0, episode.active_bins / span),
            ended=ended,
        )
        return classify(evidence, self.config, ended=ended, scale_known=self.scale_known)

    def _revise(self, episode: OpenEpisode, history: History, hop: int) -> None:
        verdict = self._judge(episode, history, ended=False)
        if verdict.kind is episode.kind:
            return
        status = EpisodeStatus.OPENED if episode.kind is None else EpisodeStatus.UPDATED
        self._adopt(episode, verdict, hop)
        self.changes.append(self._change(episode, status))

    def _close(self, episode: OpenEpisode, history: History, hop: int) -> None:
        verdict = self._judge(episode, history, ended=True)
        if episode.kind is None:
            self._adopt(episode, verdict, hop)
            self.changes.append(replace(self._change(episode, EpisodeStatus.OPENED), offset_index=None))
        self._adopt(episode, verdict, hop)
        self.changes.append(self._change(episode, EpisodeStatus.CLOSED))
        self.barrier_bin = episode.last_bin + 1
        self.current = None

    def _adopt(self, episode: OpenEpisode, verdict: Verdict, hop: int) -> None:
        if verdict.kind is not episode.kind:
            episode.detected_hop = hop
        episode.kind, episode.confidence, episode.reasons = verdict.kind, verdict.confidence, verdict.reasons
        if verdict.kind is EpisodeKind.CRAMP:
            episode.cramp_hop = hop if episode.cramp_hop < 0 else episode.cramp_hop
            episode.detected_hop = episode.cramp_hop

    def _change(self, episode: OpenEpisode, status: EpisodeStatus) -> EpisodeChange:
        assert episode.kind is not None
        episode.revision += 1
        bin_samples = self.grid.bin_samples
        ended = status is EpisodeStatus.CLOSED
        onset = episode.onset_bin * bin_samples
        return EpisodeChange(
            status=status,
            episode_id=f"{self.stream_name}-{onset}",
            revision=episode.revision,
            kind=episode.kind,
            onset_index=onset,
            offset_index=(episode.last_bin + 1) * bin_samples if ended else None,
            detected_index=(episode.detected_hop + 1) * self.grid.hop_samples,
            channels=_channels(episode.energy),
            confidence=round(episode.confidence, 3),
            peak_uv=float(episode.peak.max()),
            reasons=episode.reasons,
        )


def _channels(energy: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the channels with at least a tenth of the strongest one's power, the strongest first."""
    order = np.argsort(-energy, kind="stable")
    return tuple(int(channel) for channel in order if energy[channel] >= 0.1 * energy[order[0]])
