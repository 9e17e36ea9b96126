"""The episodes of the present night: which revision holds, and what a person is shown."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from crampwatch.protocol.messages import Episode

__all__ = ["NightEpisodes", "night_start_ns", "supersedes"]

_KEPT: Final = 5000
"""Fragmentary myoclonus reaches hundreds an hour (DOMAIN: 143.7/h at the 90th percentile); a page needs no more."""
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200


def supersedes(new: Episode, old: Episode) -> bool:
    """Whether a revision replaces the one known: the final verdict beats any live one, then the highest revision."""
    return (new.status == "final", new.revision) > (old.status == "final", old.revision)


def night_start_ns(now_ns: int, utc_offset_s: int) -> int:
    """Return the local noon before ``now_ns``: a night belongs to the evening it began."""
    now_s = now_ns // 1_000_000_000 + utc_offset_s
    noon_s = (now_s - _NOON_S) // _DAY_S * _DAY_S + _NOON_S
    return (noon_s - utc_offset_s) * 1_000_000_000


class NightEpisodes:
    """Episodes by id, bounded, with what changed since last asked."""

    def __init__(self) -> None:
        self._held: dict[str, Episode] = {}
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, episode: Episode) -> None:
        """Take a revision, in any order and as often as it is told."""
        old = self._held.get(episode.id)
        if old is not None and not supersedes(episode, old):
            return
        self._held[episode.id] = episode
        self._changed.add(episode.id)
        if len(self._held) > _KEPT:
            self._forget(sorted(self._held.values(), key=lambda known: known.onset_ns)[: _KEPT // 10])

    def forget_before(self, begin_ns: int) -> None:
        """Drop what ended before a time."""
        self._forget([known for known in self._held.values() if (known.offset_ns or known.onset_ns) < begin_ns])

    def newest(self, count: int) -> list[Episode]:
        """Return the newest episodes, oldest first, withdrawn ones included."""
        return sorted(self._held.values(), key=lambda known: (known.onset_ns, known.id))[-count:]

    def drain_changes(self) -> list[Episode]:
        """Return the episodes changed since last taken, oldest first."""
        changed = [self._held[key] for key in self._changed]
        self._changed.clear()
        return sorted(changed, key=lambda known: (known.onset_ns, known.id))

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind, and of those withdrawn."""
        return dict(
            Counter("retracted" if known.status == "retracted" else known.kind.value for known in self._held.values())
        )

    def _forget(self, episodes: Iterable[Episode]) -> None:
        for episode in episodes:
            del self._held[episode.id]
            self._changed.discard(episode.id)
