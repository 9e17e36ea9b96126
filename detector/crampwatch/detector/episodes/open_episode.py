"""An episode under way, as the tracker works on it and as a checkpoint stores it."""

import math
from dataclasses import dataclass

from crampwatch.detector.episodes.evidence import OnsetEvidence
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason

__all__ = ["OpenEpisode"]


@dataclass(slots=True)
class OpenEpisode:
    """An episode under way. Bins and hops are counted from sample index 0. Lists have one entry for each channel.

    The names of the attributes are part of the checkpoint format.

    Attributes:
        id_bin: Onset in the first revision; together with `id_channel` it names the episode forever.
        id_channel: Channel on which it began.
        onset_bin: First visible activity.
        last_bins: Latest activity, -1 before any.
        owned: Whether activity on the channel belongs to this episode at present.
        energy: Power over the floor, summed over hops.
        peak: Largest deviation in the EMG band.
        level: Power over the floor of the strongest channel, smoothed over the last few hops.
        highest: The largest `level` so far.
        strong_hop: Latest hop whose `level` was more than a remainder of `highest`.
        duty: Share of hops with activity, smoothed over the last few seconds.
        missing_hops: Consecutive hops without signal since the latest activity.
        onset: Evidence about the onset; None before the first classification with evidence.
        revision: Number of the latest revision; 0 before the first.
        kind: Kind in the latest revision; None before the first.
        detected_hop: Hop at whose end the present kind was recognised.
        cramp_hop: Hop at whose end it was first called a cramp; -1 before.
        confidence: Confidence of the present kind.
        reasons: Reasons for the present kind.
        mean_hz: Mean frequency; NaN before the first classification with evidence.
        looks: Number of classifications with log odds.
        odds: Log odds for a cramp, summed over those.
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

    @classmethod
    def starting(cls, onset_bin: int, channel: int, channels: int) -> "OpenEpisode":
        """Return an episode that begins on one of `channels` channels, with no activity yet."""
        zeros = [0.0] * channels
        return cls(onset_bin, channel, onset_bin, [-1] * channels, [False] * channels, zeros, list(zeros))

    @property
    def last_bin(self) -> int:
        """Latest activity on any channel."""
        return max(self.last_bins)

    @property
    def channel(self) -> int:
        """The strongest channel so far."""
        return self.energy.index(max(self.energy))

    def merge(self, other: "OpenEpisode") -> None:
        """Extend this episode by the activity of a later one."""
        self.last_bins = [max(pair) for pair in zip(self.last_bins, other.last_bins, strict=True)]
        self.energy = [sum(pair) for pair in zip(self.energy, other.energy, strict=True)]
        self.peak = [max(pair) for pair in zip(self.peak, other.peak, strict=True)]
