"""The nights of a data folder: recordings, what the stores have about them, and the wearer's notes. Calls block."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.store.model.series import Series
from crampwatch.web.night.bedtime import marked_span
from crampwatch.web.night.model.labels import collect_labels
from crampwatch.web.night.model.naming import night_origin
from crampwatch.web.night.model.schema import EpisodeRow, Label, MarkedNight, Night, NightRow
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.night.sensors import RecordedSensors
from crampwatch.web.night.sessions import NightSession, merge_sessions
from crampwatch.web.night.stores import NightStore, NightStores

__all__ = ["NightRepository"]

_SETTLED_NS: Final = 86_400_000_000_000
"""A day after a session ended its episodes no longer change: re-analysis is done, and counts may be cached."""
_MAX_EARLY_BEDTIME_NS: Final = 43_200_000_000_000
"""The wearer may start the night before the first sensor is on, but not before the noon at which the night starts."""
_MAX_RECENT_ENTRIES: Final = 1000


@dataclass(frozen=True, slots=True)
class _EpisodeCounts:
    kinds: dict[str, int]
    longest_cramp_ns: int


_NO_EPISODES: Final = _EpisodeCounts({}, 0)


class NightRepository:
    """Finds nights and what belongs to them.

    Args:
        recordings: Recordings of the data folder.
        stores: Stores with their episodes; several if simulated data has its own.
        clock_ns: Returns the time, UTC.
    """

    def __init__(
        self, recordings: Recordings, stores: Sequence[NightStore], *, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.recordings = recordings
        self._stores = NightStores(stores)
        self._clock_ns = clock_ns
        self._recent_entries: list[JournalEntry] = []
        self._settled_counts: dict[str, _EpisodeCounts] = {}
        self._lock = threading.Lock()

    def add_entries(self, entries: Iterable[JournalEntry]) -> None:
        """Show journal entries from now on: the store receives them over the broker, a moment later."""
        with self._lock:
            self._recent_entries = [*self._recent_entries, *entries][-_MAX_RECENT_ENTRIES:]

    def nights(self) -> list[NightRow]:
        """Return all nights, newest first."""
        grouped: dict[str, list[NightSession]] = {}
        for session in self._all_sessions():
            grouped.setdefault(session.night, []).append(session)
        counts = self._count_episodes([one for sessions in grouped.values() for one in sessions])
        rows = [_night_row(name, sessions, counts) for name, sessions in grouped.items()]
        return sorted(rows, key=lambda row: (row.from_ns, row.night), reverse=True)

    def night(self, name: str) -> Night | None:
        """Return a night; None if there is none of this name."""
        all_sessions = self._all_sessions()
        sessions = [one for one in all_sessions if one.night == name]
        if not sessions:
            return None
        recorded = RecordedSensors(self.recordings, sessions)
        problems = list(recorded.problems)
        episodes = self._episode_rows(sessions, problems)
        span_ns = (min(one.started_ns for one in sessions), max(one.last_ns for one in sessions))
        before, after = _neighbours(name, {one.night for one in all_sessions})
        return Night(
            night=name,
            origin=night_origin(name),
            from_ns=span_ns[0],
            to_ns=span_ns[1],
            utc_offset_s=sessions[0].utc_offset_s,
            running=any(one.is_running(self._clock_ns()) for one in sessions),
            read=recorded.share_read,
            recorded_s=recorded.recorded_s(span_ns),
            said=self._marked_night(name, sessions, recorded),
            sensors=recorded.sensors(span_ns),
            episodes=episodes,
            problems=problems,
            before=before,
            after=after,
        )

    def signals(self, night: str, sensor: str) -> list[tuple[Path, BootSignal]]:
        """Return a sensor's signals in a night with their recordings, as far as they have been read."""
        found = []
        for session in self._sessions_of(night):
            if session.path is not None:
                recorded = self.recordings.recording(session.path).sensors.get(sensor)
                found += [(session.path, signal) for signal in (recorded.signals if recorded else ())]
        return found

    def features(self, sensor: str, *, from_ns: int, to_ns: int, columns: int) -> Series | None:
        """Return the detector's features over a span of time; None if no store has any."""
        return self._stores.features(sensor, from_ns=from_ns, to_ns=to_ns, max_points=columns)

    def episode(self, night: str, name: str) -> tuple[Episode, Label] | None:
        """Return an episode of a night and the wearer's answers about it; None if there is no such episode."""
        sessions = self._sessions_of(night)
        for session in sessions:
            for episode in self._stores.session_episodes(session.session):
                if episode.id == name:
                    return episode, self._labels_since(sessions[0].started_ns).get(name, Label())
        return None

    def _all_sessions(self) -> list[NightSession]:
        summaries = (entry.summary for entry in self.recordings.entries() if entry.summary is not None)
        return merge_sessions(summaries, self._stores.sensor_infos())

    def _sessions_of(self, night: str) -> list[NightSession]:
        return [one for one in self._all_sessions() if one.night == night]

    def _episode_rows(self, sessions: Sequence[NightSession], problems: list[str]) -> list[EpisodeRow]:
        """Return the episodes of some sessions; if there are none, add why a store could not be read."""
        labels = self._labels_since(sessions[0].started_ns)
        failures: list[str] = []
        rows = [
            _episode_row(episode, labels.get(episode.id))
            for session in sessions
            for episode in self._stores.session_episodes(session.session, failures)
        ]
        if not rows:
            problems.extend(dict.fromkeys(failures))
        return sorted(rows, key=lambda row: (row.onset_ns, row.id))

    def _marked_night(
        self, night: str, sessions: Sequence[NightSession], recorded: RecordedSensors
    ) -> MarkedNight | None:
        """Return the night as the wearer marked it; one without an end counts up to the newest record."""
        entries = self._journal_entries(sessions[0].started_ns - _MAX_EARLY_BEDTIME_NS)
        span = marked_span(entries, night, sessions[0].utc_offset_s)
        last_ns = max(one.last_ns for one in sessions)
        if span is None or (span[1] or last_ns) <= span[0]:
            return None
        recorded_s = recorded.recorded_s((span[0], span[1] or last_ns))
        return MarkedNight(from_ns=span[0], to_ns=span[1], recorded_s=recorded_s)

    def _labels_since(self, since_ns: int) -> dict[str, Label]:
        return collect_labels(self._journal_entries(since_ns))

    def _journal_entries(self, since_ns: int) -> list[JournalEntry]:
        entries = self._stores.journal(since_ns)
        with self._lock:
            return entries + self._recent_entries

    def _count_episodes(self, sessions: Sequence[NightSession]) -> dict[str, _EpisodeCounts]:
        """Return the counts of each session; those of settled sessions are counted once and then cached."""
        now_ns = self._clock_ns()
        missing = [one for one in sessions if one.session not in self._settled_counts]
        if not missing:
            return self._settled_counts
        grouped = self._stores.episodes_by_session(min(one.started_ns for one in missing))
        counts = {one.session: _count_by_kind(grouped.get(one.session, ())) for one in missing}
        settled = [one.session for one in missing if one.ended_ns and now_ns - one.ended_ns > _SETTLED_NS]
        self._settled_counts.update({session: counts[session] for session in settled})
        return {**self._settled_counts, **counts}


def _neighbours(night: str, nights: Iterable[str]) -> tuple[str | None, str | None]:
    """Return the nights of the same origin just before and after a night."""
    similar = sorted(name for name in nights if night_origin(name) == night_origin(night))
    place = similar.index(night)
    return similar[place - 1] if place else None, similar[place + 1] if place + 1 < len(similar) else None


def _night_row(name: str, sessions: Sequence[NightSession], counts: dict[str, _EpisodeCounts]) -> NightRow:
    kinds = Counter[str]()
    for one in sessions:
        kinds.update(counts.get(one.session, _NO_EPISODES).kinds)
    return NightRow(
        night=name,
        origin=night_origin(name),
        from_ns=min(one.started_ns for one in sessions),
        to_ns=max(one.last_ns for one in sessions),
        utc_offset_s=sessions[0].utc_offset_s,
        running=any(one.ended_ns is None for one in sessions),
        sensors=len({sensor for one in sessions for sensor in one.infos}),
        kinds=dict(kinds),
        longest_cramp_ns=max(counts.get(one.session, _NO_EPISODES).longest_cramp_ns for one in sessions),
    )


def _count_by_kind(episodes: Iterable[Episode]) -> _EpisodeCounts:
    valid = [one for one in episodes if one.status != "retracted"]
    lengths = [(one.offset_ns or one.onset_ns) - one.onset_ns for one in valid if one.kind is EpisodeKind.CRAMP]
    return _EpisodeCounts(dict(Counter(one.kind.value for one in valid)), max(lengths, default=0))


def _episode_row(episode: Episode, label: Label | None) -> EpisodeRow:
    return EpisodeRow(
        id=episode.id,
        sensor=episode.sensor,
        kind=episode.kind,
        status=episode.status,
        onset_ns=episode.onset_ns,
        offset_ns=episode.offset_ns,
        channels=list(episode.channels),
        confidence=round(episode.confidence, 3),
        peak=float(f"{episode.peak:.4g}"),
        unit=episode.unit,
        label=label,
    )
