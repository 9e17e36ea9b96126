"""Episodes of the current night: the valid revision of each, and which of them changed."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from crampwatch.protocol.messages import Episode

__all__ = ["NightEpisodes", "night_start_ns", "supersedes"]

_MAX_EPISODES: Final = 5000
"""Bounds memory. Fragmentary myoclonus reaches about 144 twitches an hour at the 90th percentile, 1,300 in nine hours,
so a real night stays far below this."""
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200


def supersedes(new: Episode, old: Episode) -> bool:
    """Whether a revision replaces another: a final result beats any live one, otherwise the higher revision wins."""
    return (new.status == "final", new.revision) > (old.status == "final", old.revision)


def night_start_ns(now_ns: int, utc_offset_s: int) -> int:
    """Return the last local noon at or before ``now_ns``: a night belongs to the evening on which it started."""
    now_s = now_ns // 1_000_000_000 + utc_offset_s
    noon_s = (now_s - _NOON_S) // _DAY_S * _DAY_S + _NOON_S
    return (noon_s - utc_offset_s) * 1_000_000_000


class NightEpisodes:
    """Episodes by id, at most 5000, and which of them changed since the last call of :meth:`drain_changes`."""

    def __init__(self) -> None:
        self._episodes: dict[str, Episode] = {}
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._episodes)

    def add(self, episode: Episode) -> None:
        """Store a revision unless a newer one is already stored; duplicates and any order of arrival are fine.

        Above the limit the oldest tenth is discarded, so that sorting happens rarely.
        """
        old = self._episodes.get(episode.id)
        if old is not None and not supersedes(episode, old):
            return
        self._episodes[episode.id] = episode
        self._changed.add(episode.id)
        if len(self._episodes) > _MAX_EPISODES:
            self._discard(sorted(self._episodes.values(), key=lambda one: one.onset_ns)[: _MAX_EPISODES // 10])

    def discard_before(self, start_ns: int) -> None:
        """Discard episodes that ended before a time; one without an end counts by its onset."""
        self._discard([one for one in self._episodes.values() if (one.offset_ns or one.onset_ns) < start_ns])

    def newest(self, count: int) -> list[Episode]:
        """Return the newest episodes, oldest first, including retracted ones."""
        return sorted(self._episodes.values(), key=lambda one: (one.onset_ns, one.id))[-count:]

    def drain_changes(self) -> list[Episode]:
        """Return the episodes that changed since the last call, oldest first."""
        changed = [self._episodes[key] for key in self._changed]
        self._changed.clear()
        return sorted(changed, key=lambda one: (one.onset_ns, one.id))

    def counts(self) -> dict[str, int]:
        """Return the number of episodes of each kind; retracted ones are counted under ``retracted`` only."""
        return dict(
            Counter("retracted" if one.status == "retracted" else one.kind.value for one in self._episodes.values())
        )

    def _discard(self, episodes: Iterable[Episode]) -> None:
        for episode in episodes:
            del self._episodes[episode.id]
            self._changed.discard(episode.id)
