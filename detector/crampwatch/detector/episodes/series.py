"""Brief episodes that come back regularly, reported as one: rhythmic foot movement, or a heart seen by the electrode.

Each beat first is an episode of its own, since nobody can know that more will follow. Beats are remembered as they
close. As soon as the last `FEWEST_BEATS` are regular (see `bursts`), the first of them becomes the series and is
revised; the others are retracted. From then on each brief episode that fits is retracted in favour of the series,
until none has come for so long that more than two would have been missed, or a different one comes; then the series is
closed. A beat that is called a cramp never joins: it would disappear.
"""

from dataclasses import dataclass, field, replace

from crampwatch.detector.episodes.bursts import FEWEST_BEATS, Beat, is_continued_by, is_regular
from crampwatch.detector.episodes.classifier import Classification, classify_series
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.episodes.revisions import RevisionLog, adopt
from crampwatch.detector.model.episode import EpisodeStatus
from crampwatch.detector.signal.grid import Grid
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["SeriesTracker"]

_LONGEST_BEAT_S = 2.0  # longer than half of the longest interval of a rhythm (3.5 s), it is no beat


@dataclass(slots=True)
class SeriesTracker:
    """Turns brief episodes that come back regularly into one.

    Attributes:
        recent: The brief episodes that ended last, at most `FEWEST_BEATS`.
        current: The series under way, as one episode; None without one.
    """

    grid: Grid
    revisions: RevisionLog
    recent: list[OpenEpisode] = field(default_factory=list)
    current: OpenEpisode | None = None

    def is_brief(self, episode: OpenEpisode) -> bool:
        """Whether an episode that is over may be a beat."""
        return (episode.last_bin - episode.onset_bin) * self.grid.bin_s < _LONGEST_BEAT_S

    def absorb(self, episode: OpenEpisode, result: Classification, hop: int) -> bool:
        """Make a brief episode that is over a beat of the series under way; return False where it does not fit.

        A series that it does not fit is closed.
        """
        series = self.current
        if series is None or result.kind is EpisodeKind.CRAMP:
            return False
        if not is_continued_by(self._recent_beats(), self._as_beat(episode)):
            self.close()
            return False
        if episode.kind is not None:
            episode.kind = result.kind
            self.revisions.append(episode, EpisodeStatus.RETRACTED)
        series.merge(episode)
        self.recent = [*self.recent[1:], episode]
        series.detected_hop = min(series.detected_hop, hop)
        return True

    def remember(self, episode: OpenEpisode, hop: int) -> None:
        """Add a brief episode that was closed; where the last few are regular, start a series."""
        self.recent = [*self.recent, episode][-FEWEST_BEATS:]
        beats = self._recent_beats()
        if not is_regular(beats):
            return
        first, *others = self.recent
        self.current = series = replace(
            first, last_bins=list(first.last_bins), energy=list(first.energy), peak=list(first.peak)
        )
        for other in others:
            self.revisions.append(other, EpisodeStatus.RETRACTED)
            series.merge(other)
        adopt(series, classify_series(beats), hop)
        self.revisions.append(series, EpisodeStatus.UPDATED)

    def close_if_overdue(self, hop: int) -> None:
        """Close the series under way if a beat at the end of `hop` would come too late to belong to it."""
        if self.current is None:
            return
        beats = self._recent_beats()
        now = Beat((hop + 1) * self.grid.hop_s, 0.0, beats[-1].peak, 0.0)
        if not is_continued_by(beats, now):
            self.close()

    def close(self) -> None:
        """Close the series under way, if any, and forget its beats."""
        if self.current is not None:
            self.revisions.append(self.current, EpisodeStatus.CLOSED)
            self.current, self.recent = None, []

    def _recent_beats(self) -> list[Beat]:
        return [self._as_beat(episode) for episode in self.recent]

    def _as_beat(self, episode: OpenEpisode) -> Beat:
        bins = episode.last_bin + 1 - episode.onset_bin
        onset_s, duration_s = episode.onset_bin * self.grid.bin_s, bins * self.grid.bin_s
        return Beat(onset_s, duration_s, max(episode.peak), episode.mean_hz)
