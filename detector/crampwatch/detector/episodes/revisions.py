"""The revisions of episodes that the tracker emits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crampwatch.detector.episodes.classifier import Classification
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.signal.grid import Grid
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import StreamDescription

__all__ = ["RevisionLog", "adopt"]

_TAKES_PART = 0.1  # 10 dB below the strongest channel: further down it may be crosstalk alone


def adopt(episode: OpenEpisode, result: Classification, hop: int) -> None:
    """Make the result of a classification at the end of `hop` the present one.

    A cramp counts as detected when it was first called one, even if it was called something else in between.
    """
    if result.kind is not episode.kind:
        episode.detected_hop = hop
    episode.kind, episode.confidence, episode.reasons = result.kind, result.confidence, result.reasons
    if result.kind is EpisodeKind.CRAMP:
        episode.cramp_hop = hop if episode.cramp_hop < 0 else episode.cramp_hop
        episode.detected_hop = episode.cramp_hop


@dataclass(slots=True)
class RevisionLog:
    """Numbers the revisions of each episode, and holds them until they are fetched.

    Attributes:
        calibration_name: Of the personal calibration in use; empty without one.
    """

    grid: Grid
    stream: StreamDescription
    calibration_name: str = ""
    _pending: list[Episode] = field(default_factory=list)

    def pop(self) -> list[Episode]:
        """Return the revisions since the last call."""
        pending, self._pending = self._pending, []
        return pending

    def append(self, episode: OpenEpisode, status: EpisodeStatus) -> None:
        """Emit the next revision of an episode that has a kind."""
        assert episode.kind is not None  # callers adopt a classification first
        episode.revision += 1
        bin_samples = self.grid.bin_samples
        has_ended = status in (EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED)
        channels = _participating_channels(episode.energy)
        labels = self.stream.labels
        self._pending.append(
            Episode(
                status=status,
                episode_id=f"s{self.stream.stream}-{episode.id_bin * bin_samples}-{episode.id_channel}",
                revision=episode.revision,
                kind=episode.kind,
                onset_index=episode.onset_bin * bin_samples,
                offset_index=(episode.last_bin + 1) * bin_samples if has_ended else None,
                detected_index=(episode.detected_hop + 1) * self.grid.hop_samples,
                channels=channels,
                confidence=round(episode.confidence, 3),
                peak=max(episode.peak),
                unit="uV" if self.stream.has_scale else "relative",
                why=episode.reasons,
                rate_hz=self.stream.rate_hz,
                labels=tuple(labels[channel] for channel in channels) if labels else (),
                calibration=self.calibration_name,
            )
        )


def _participating_channels(energy: Sequence[float]) -> tuple[int, ...]:
    """Return the channels that take part, the strongest first."""
    order = sorted(range(len(energy)), key=lambda channel: -energy[channel])
    return tuple(channel for channel in order if energy[channel] >= _TAKES_PART * energy[order[0]])
