"""What was said of an episode while it was watched: when it was first called what, and whether that was taken back."""

from collections.abc import Iterable
from dataclasses import dataclass

from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import Event
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Saying", "Trail", "TrailKeeper"]


@dataclass(frozen=True, slots=True)
class Saying:
    """One revision of an episode.

    Attributes:
        at_s: When it could first be said, seconds.
        kind: What it was called; None when it was retracted.
    """

    at_s: float
    kind: EpisodeKind | None


@dataclass(frozen=True, slots=True)
class Trail:
    """All that was said of one episode. It is about the span it was last given.

    Attributes:
        episode_id: Its id.
        onset_s: Its onset as last told, seconds.
        offset_s: Its end as last told; when it was last spoken of, where it was never given an end.
        sayings: In the order they were said; at least one.
    """

    episode_id: str
    onset_s: float
    offset_s: float
    sayings: tuple[Saying, ...]

    @property
    def kind(self) -> EpisodeKind:
        """What it was called last, before it may have been retracted."""
        return next(one.kind for one in reversed(self.sayings) if one.kind is not None)

    def first_called_s(self, kind: EpisodeKind) -> float | None:
        """Return when it was first called so, seconds; None where it never was."""
        return next((one.at_s for one in self.sayings if one.kind is kind), None)

    def took_back(self, kind: EpisodeKind) -> bool:
        """Tell whether it was called so once, and is not any more."""
        return self.first_called_s(kind) is not None and self.sayings[-1].kind is not kind


class TrailKeeper:
    """Keeps every revision of every episode.

    Args:
        rate_hz: Samples a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._trails: dict[str, Trail] = {}

    def update(self, events: Iterable[Event]) -> None:
        """Add events, in the order in which the pipeline returned them."""
        for event in events:
            if isinstance(event, Episode):
                self._update_episode(event)

    def trails(self) -> tuple[Trail, ...]:
        """Return the trails so far, by onset."""
        return tuple(sorted(self._trails.values(), key=lambda trail: trail.onset_s))

    def _update_episode(self, change: Episode) -> None:
        known = self._trails.get(change.episode_id)
        end_index = change.detected_index if change.offset_index is None else change.offset_index
        kind = None if change.status is EpisodeStatus.RETRACTED else change.kind
        before = known.sayings if known else ()
        self._trails[change.episode_id] = Trail(
            change.episode_id,
            change.onset_index / self._rate_hz,
            end_index / self._rate_hz,
            (*before, Saying(change.detected_index / self._rate_hz, kind)),
        )
