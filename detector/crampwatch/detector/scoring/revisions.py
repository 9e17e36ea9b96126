"""The revisions of an episode during a live run.

A finished recording ends with one kind per episode, but the person in bed is alerted by what the detector reported on
the way: a twitch that was called a cramp for three seconds woke somebody. A `Trail` keeps every revision, so that live
alarms, their delay and their withdrawal can be scored beside the final result.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import Event
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Revision", "Trail", "TrailCollector"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an episode.

    Attributes:
        at_s: When the detector first had this kind, seconds.
        kind: None where the episode was retracted.
    """

    at_s: float
    kind: EpisodeKind | None


@dataclass(frozen=True, slots=True)
class Trail:
    """All revisions of one episode; as an `Interval` it spans what its last revision spans.

    Attributes:
        onset_s: Onset in the last revision, seconds.
        offset_s: End in the last revision; the time of that revision where the episode never got an end.
        revisions: In the order of the run; at least one.
    """

    episode_id: str
    onset_s: float
    offset_s: float
    revisions: tuple[Revision, ...]

    @property
    def kind(self) -> EpisodeKind:
        """The last kind; that before the retraction where it was retracted."""
        return next(one.kind for one in reversed(self.revisions) if one.kind is not None)

    def first_called_s(self, kind: EpisodeKind) -> float | None:
        """Return when it first had this kind, seconds; None where it never had."""
        return next((one.at_s for one in self.revisions if one.kind is kind), None)

    def was_withdrawn(self, kind: EpisodeKind) -> bool:
        """Return whether it had this kind at some time, and has another one or none in the end."""
        return self.first_called_s(kind) is not None and self.revisions[-1].kind is not kind


class TrailCollector:
    """Collects the trails of all episodes."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}

    def update(self, events: Iterable[Event]) -> None:
        """Add events, in the order in which the pipeline returned them."""
        for event in events:
            if isinstance(event, Episode):
                self._add_revision(event)

    def trails(self) -> tuple[Trail, ...]:
        """Return the trails so far, by onset."""
        return tuple(sorted(self._trails.values(), key=lambda trail: trail.onset_s))

    def _add_revision(self, episode: Episode) -> None:
        earlier = self._trails.get(episode.episode_id)
        kind = None if episode.status is EpisodeStatus.RETRACTED else episode.kind
        self._trails[episode.episode_id] = Trail(
            episode.episode_id,
            episode.onset_s,
            episode.detected_at_s if episode.offset_index is None else episode.offset_s,
            (*(earlier.revisions if earlier else ()), Revision(episode.detected_at_s, kind)),
        )
