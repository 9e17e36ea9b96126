"""The nights of a data folder: recordings, what the store says of them, and what the wearer noted. Calls block."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from crampwatch.journal import SessionSummary
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import Episode, JournalEntry, SensorInfo
from crampwatch.store.model.series import Series
from crampwatch.web.night.bedtime import marked_span
from crampwatch.web.night.model.labels import collect_labels
from crampwatch.web.night.model.naming import night_name, night_origin
from crampwatch.web.night.model.schema import EpisodeRow, Label, MarkedNight, Night, NightRow, NightSensor
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.viewport import gaps_ns
from crampwatch.web.night.recordings import Recordings
from numpy.typing import NDArray

__all__ = ["NightRepository", "NightSession", "NightStore"]

_SHORTEST_GAP_NS: Final = 3_000_000
"""Less is a correction of the clock between two frames, not a sample that is missing."""
_MOST_GAPS: Final = 2000
_SETTLED_NS: Final = 86_400_000_000_000
_MOST_TEMPERATURES: Final = 600
_LONGEST_BEFORE_NS: Final = 43_200_000_000_000
"""Who goes to bed may say so before the first sensor is on."""
_log: Final = logging.getLogger(__name__)


class NightStore(Protocol):
    """What the store has to know for a night; :class:`crampwatch.store.model.interface.Store` does. Calls block."""

    def episodes(
        self, *, since_ns: int = 0, until_ns: int = ..., session: str | None = None, with_retracted: bool = False
    ) -> Sequence[Episode]:
        """Return the revision that holds of each episode."""

    def journal(self, *, since_ns: int = 0) -> Sequence[JournalEntry]:
        """Return what the wearer noted since then."""

    def sessions(self) -> Sequence[SensorInfo]:
        """Return what is known of each sensor in each session."""

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return values over time."""


@dataclass(frozen=True, slots=True)
class NightSession:
    """One session of a night.

    Attributes:
        session: UUID.
        path: Of its recording; None where only the store knows it.
        ended_ns: None while it runs.
        infos: What its sensors said of themselves, by id.
    """

    session: str
    origin: Origin
    started_ns: int
    last_ns: int
    ended_ns: int | None
    utc_offset_s: int
    path: Path | None
    infos: dict[str, SensorInfo] = field(default_factory=dict)


class NightRepository:
    """Answers what there is, night by night.

    Args:
        recordings: The session files.
        stores: What is known of them; several where simulated data has a store of its own.
        clock_ns: UTC.
    """

    def __init__(
        self, recordings: Recordings, stores: Sequence[NightStore], *, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.recordings = recordings
        self._stores = tuple(stores)
        self._clock_ns = clock_ns
        self._noted: list[JournalEntry] = []
        self._kinds: dict[str, tuple[dict[str, int], int]] = {}
        self._lock = threading.Lock()

    def note(self, entries: Iterable[JournalEntry]) -> None:
        """Remember what was noted just now, until the store has it."""
        with self._lock:
            self._noted = [*self._noted, *entries][-1000:]

    def nights(self) -> list[NightRow]:
        """Return all nights, the newest first."""
        grouped: dict[str, list[NightSession]] = {}
        for session in self._sessions():
            name = night_name(session.started_ns, session.utc_offset_s, session.origin)
            grouped.setdefault(name, []).append(session)
        kinds = self._kinds_of([one for group in grouped.values() for one in group])
        rows = [_row(name, group, kinds) for name, group in grouped.items()]
        return sorted(rows, key=lambda row: (row.from_ns, row.night), reverse=True)

    def sessions_of(self, night: str) -> list[NightSession]:
        """Return the sessions of a night, oldest first; none where there is no such night."""
        return [one for one in self._sessions() if night_name(one.started_ns, one.utc_offset_s, one.origin) == night]

    def night(self, name: str) -> Night | None:
        """Return a night; None where there is none of this name."""
        every = self._sessions()
        names = sorted({night_name(one.started_ns, one.utc_offset_s, one.origin) for one in every})
        if name not in names:
            return None
        sessions = [one for one in every if night_name(one.started_ns, one.utc_offset_s, one.origin) == name]
        alike = [one for one in names if night_origin(one) == night_origin(name)]
        place = alike.index(name)
        gathered = _RecordedSensors(self.recordings, sessions)
        problems = list(gathered.problems)
        episodes = self._episodes(sessions, problems)
        span_ns = (min(one.started_ns for one in sessions), max(one.last_ns for one in sessions))
        sensors, recorded_s = gathered.sensors(span_ns)
        return Night(
            night=name,
            origin=night_origin(name),
            from_ns=span_ns[0],
            to_ns=span_ns[1],
            utc_offset_s=sessions[0].utc_offset_s,
            running=any(_is_running(one, self._clock_ns()) for one in sessions),
            read=gathered.share,
            recorded_s=recorded_s,
            said=self._said(name, sessions, gathered),
            sensors=sensors,
            episodes=episodes,
            problems=problems,
            before=alike[place - 1] if place else None,
            after=alike[place + 1] if place + 1 < len(alike) else None,
        )

    def signals(self, night: str, sensor: str) -> list[tuple[Path, BootSignal]]:
        """Return a sensor's signals of a night, as far as they were read."""
        found = []
        for session in self.sessions_of(night):
            if session.path is not None:
                heard = self.recordings.recording(session.path).sensors.get(sensor)
                found += [(session.path, signal) for signal in (heard.signals if heard else ())]
        return found

    def features(self, sensor: str, *, from_ns: int, to_ns: int, columns: int) -> Series | None:
        """Return the detector's features of a stretch; None where no store knows any."""
        for store in self._stores:
            try:
                series = store.series(sensor, "features", since_ns=from_ns, until_ns=to_ns, max_points=columns)
            except CrampwatchError as error:
                _log.info("features cannot be shown: %s", error)
                continue
            if len(series):
                return series
        return None

    def episode(self, night: str, name: str) -> tuple[Episode, Label] | None:
        """Return an episode of a night and what was noted of it."""
        sessions = self.sessions_of(night)
        for session in sessions:
            for episode in self._stored_episodes(session.session, []):
                if episode.id == name:
                    return episode, self._labels(sessions[0].started_ns).get(name, Label())
        return None

    def _sessions(self) -> list[NightSession]:
        found = {
            entry.summary.head.session: _from_file(entry.summary)
            for entry in self.recordings.entries()
            if entry.summary is not None
        }
        for store in self._stores:
            try:
                known = store.sessions()
            except CrampwatchError:
                continue
            for info in known:
                session = found.get(info.session)
                if session is None:
                    session = found[info.session] = _from_store(info)
                session.infos.setdefault(info.sensor, info)
        return sorted(found.values(), key=lambda one: one.started_ns)

    def _stored_episodes(self, session: str, problems: list[str]) -> list[Episode]:
        for store in self._stores:
            try:
                episodes = store.episodes(session=session, with_retracted=True)
            except CrampwatchError as error:
                problems.append(str(error))
                continue
            if episodes:
                return list(episodes)
        return []

    def _episodes(self, sessions: Sequence[NightSession], problems: list[str]) -> list[EpisodeRow]:
        labels = self._labels(sessions[0].started_ns)
        failed: list[str] = []
        rows = [
            _episode_row(episode, labels.get(episode.id))
            for session in sessions
            for episode in self._stored_episodes(session.session, failed)
        ]
        if not rows:
            problems.extend(dict.fromkeys(failed))
        return sorted(rows, key=lambda row: (row.onset_ns, row.id))

    def _said(self, night: str, sessions: Sequence[NightSession], gathered: "_RecordedSensors") -> MarkedNight | None:
        """Return the night as the wearer said it was; of one whose end was not said, what was recorded of it."""
        span = marked_span(self._journal(sessions[0].started_ns - _LONGEST_BEFORE_NS), night, sessions[0].utc_offset_s)
        last_ns = max(one.last_ns for one in sessions)
        if span is None or (span[1] or last_ns) <= span[0]:
            return None
        recorded_s = gathered.recorded_s((span[0], span[1] or last_ns))
        return MarkedNight(from_ns=span[0], to_ns=span[1], recorded_s=recorded_s)

    def _labels(self, since_ns: int) -> dict[str, Label]:
        return collect_labels(self._journal(since_ns))

    def _journal(self, since_ns: int) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        for store in self._stores:
            try:
                entries += store.journal(since_ns=since_ns)
            except CrampwatchError as error:
                _log.info("notes cannot be read: %s", error)
        with self._lock:
            entries += self._noted
        return entries

    def _kinds_of(self, sessions: Sequence[NightSession]) -> dict[str, tuple[dict[str, int], int]]:
        """Return episodes by kind, and the longest likely cramp, of each session."""
        now_ns = self._clock_ns()
        unknown = [one for one in sessions if one.session not in self._kinds]
        if not unknown:
            return self._kinds
        since_ns = min(one.started_ns for one in unknown)
        grouped: dict[str, list[Episode]] = {}
        for store in self._stores:
            try:
                for episode in store.episodes(since_ns=since_ns):
                    grouped.setdefault(episode.session, []).append(episode)
            except CrampwatchError as error:
                _log.info("episodes cannot be counted: %s", error)
        counted = {one.session: _counted(grouped.get(one.session, ())) for one in unknown}
        settled = {one.session for one in unknown if one.ended_ns and now_ns - one.ended_ns > _SETTLED_NS}
        self._kinds.update({session: counts for session, counts in counted.items() if session in settled})
        return {**self._kinds, **counted}


class _RecordedSensors:
    """What the recordings of some sessions hold."""

    def __init__(self, recordings: Recordings, sessions: Sequence[NightSession]) -> None:
        self.problems: list[str] = []
        self._shares: list[float] = []
        self._signals: dict[str, list[BootSignal]] = {}
        self._temperature: dict[str, list[tuple[int, float]]] = {}
        self._placed: dict[str, tuple[str, str, str]] = {}
        for session in sessions:
            self._add(recordings, session)

    @property
    def share(self) -> float:
        """How much was read."""
        return sum(self._shares) / len(self._shares) if self._shares else 1.0

    def sensors(self, span_ns: tuple[int, int]) -> tuple[list[NightSensor], float]:
        """Return each sensor's part, and for how many seconds any of them recorded."""
        covered = {name: _covered(self._signals.get(name, ())) for name in self._placed}
        parts = [self._sensor(name, covered[name], span_ns) for name in self._placed]
        return sorted(parts, key=_left_first), self.recorded_s(span_ns)

    def recorded_s(self, span_ns: tuple[int, int]) -> float:
        """Return for how much of a span any sensor recorded."""
        every = [_covered(signals) for signals in self._signals.values()]
        return _length_s(np.concatenate([*every, np.empty((0, 2), np.int64)]), span_ns)

    def _add(self, recordings: Recordings, session: NightSession) -> None:
        for info in session.infos.values():
            self._placed[info.sensor] = (info.name, info.placement.side, info.placement.muscle)
        if session.path is None:
            self.problems.append("deleted")
            return
        recording = recordings.recording(session.path)
        self._shares.append(recording.share)
        if recording.problem:
            self.problems.append(recording.problem)
        for name, heard in recording.sensors.items():
            self._signals.setdefault(name, []).extend(heard.signals)
            self._temperature.setdefault(name, []).extend(heard.temperature)
            self._placed.setdefault(name, (heard.sensor.name or name, heard.sensor.side, heard.sensor.muscle))

    def _sensor(self, name: str, covered: NDArray[np.int64], span_ns: tuple[int, int]) -> NightSensor:
        signals = self._signals.get(name, [])
        gaps = gaps_ns(covered, from_ns=span_ns[0], to_ns=span_ns[1], shortest_ns=_SHORTEST_GAP_NS)
        longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MOST_GAPS]
        first = signals[0] if signals else None
        return NightSensor(
            sensor=name,
            name=self._placed[name][0],
            side=self._placed[name][1],
            muscle=self._placed[name][2],
            unit=first.unit if first else "uV",
            rate_hz=first.rate_hz if first else 0.0,
            channels=max((one.channels for one in signals), default=0),
            labels=list(first.labels) if first else [],
            gaps_ns=sorted(longest),
            temperature=_thinned(self._temperature.get(name, []), span_ns[0]),
            recorded_s=_length_s(covered, span_ns),
            has_signal=bool(len(covered)),
        )


def _from_file(summary: SessionSummary) -> NightSession:
    head = summary.head
    return NightSession(
        session=head.session,
        origin=Origin(head.origin) if head.origin in set(Origin) else Origin.LIVE,
        started_ns=head.started_utc_ns,
        last_ns=max(summary.ended_utc_ns or 0, summary.last_utc_ns, head.started_utc_ns),
        ended_ns=summary.ended_utc_ns,
        utc_offset_s=head.utc_offset_s,
        path=summary.path,
    )


def _from_store(info: SensorInfo) -> NightSession:
    last_ns = max(info.ended_ns or info.t_ns, info.started_ns)
    return NightSession(
        session=info.session,
        origin=info.origin,
        started_ns=info.started_ns,
        last_ns=last_ns,
        ended_ns=info.ended_ns or last_ns,
        utc_offset_s=info.utc_offset_s,
        path=None,
    )


def _row(name: str, sessions: Sequence[NightSession], kinds: dict[str, tuple[dict[str, int], int]]) -> NightRow:
    counts = Counter[str]()
    for one in sessions:
        counts.update(kinds.get(one.session, ({}, 0))[0])
    return NightRow(
        night=name,
        origin=night_origin(name),
        from_ns=min(one.started_ns for one in sessions),
        to_ns=max(one.last_ns for one in sessions),
        utc_offset_s=sessions[0].utc_offset_s,
        running=any(one.ended_ns is None for one in sessions),
        sensors=len({sensor for one in sessions for sensor in one.infos}),
        kinds=dict(counts),
        longest_cramp_ns=max(kinds.get(one.session, ({}, 0))[1] for one in sessions),
    )


def _is_running(session: NightSession, now_ns: int) -> bool:
    """Whether a session is being recorded: not ended, and something came within the last minutes."""
    return session.ended_ns is None and now_ns - session.last_ns < 600_000_000_000


def _counted(episodes: Iterable[Episode]) -> tuple[dict[str, int], int]:
    standing = [one for one in episodes if one.status != "retracted"]
    lengths = [(one.offset_ns or one.onset_ns) - one.onset_ns for one in standing if one.kind is EpisodeKind.CRAMP]
    return dict(Counter(one.kind.value for one in standing)), max(lengths, default=0)


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


def _covered(signals: Iterable[BootSignal]) -> NDArray[np.int64]:
    return np.concatenate([*(one.covered_ns() for one in signals), np.empty((0, 2), np.int64)])


def _length_s(covered: NDArray[np.int64], span_ns: tuple[int, int]) -> float:
    missing = gaps_ns(covered, from_ns=span_ns[0], to_ns=span_ns[1])
    return (span_ns[1] - span_ns[0] - sum(end - begin for begin, end in missing)) / 1e9


def _thinned(told: Sequence[tuple[int, float]], from_ns: int) -> list[tuple[float, float]]:
    every = max(1, len(told) // _MOST_TEMPERATURES)
    return [(round((at_ns - from_ns) / 1e9, 1), round(celsius, 2)) for at_ns, celsius in told[::every]]


def _left_first(sensor: NightSensor) -> tuple[int, str]:
    return ({"left": 0, "right": 1}.get(sensor.side, 2), sensor.sensor)
