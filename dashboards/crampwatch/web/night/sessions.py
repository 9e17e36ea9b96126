"""The sessions of nights: from recordings, and from stores if the recording was deleted. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crampwatch.journal import SessionSummary
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import SensorInfo
from crampwatch.web.night.model.naming import night_name

__all__ = ["SILENT_NS", "NightSession", "merge_sessions", "session_origin"]

SILENT_NS: Final = 600_000_000_000
"""A session that has not ended but got no record for ten minutes was interrupted: long enough for all sensors to be out
of reach for a while."""


@dataclass(frozen=True, slots=True)
class NightSession:
    """One session of a night.

    Attributes:
        session: The session's UUID.
        last_ns: Time of the newest record, UTC.
        ended_ns: Time at which it ended, UTC; None if it is running or was interrupted.
        path: Its recording; None if only a store knows it.
        infos: Info messages of its sensors, by sensor id.
    """

    session: str
    origin: Origin
    started_ns: int
    last_ns: int
    ended_ns: int | None
    utc_offset_s: int
    path: Path | None
    infos: dict[str, SensorInfo] = field(default_factory=dict)

    @property
    def night(self) -> str:
        """Name of the night it belongs to."""
        return night_name(self.started_ns, self.utc_offset_s, self.origin)

    def is_running(self, now_ns: int) -> bool:
        """Whether it is being recorded: it has not ended, and something was recorded within the last ten minutes."""
        return self.ended_ns is None and now_ns - self.last_ns < SILENT_NS


def merge_sessions(summaries: Iterable[SessionSummary], infos: Iterable[SensorInfo]) -> list[NightSession]:
    """Return all sessions, oldest first.

    Args:
        summaries: Summaries of the recordings.
        infos: Info messages from the stores, which complete the recordings' and are all that is left of deleted ones.
    """
    sessions = {summary.head.session: _from_recording(summary) for summary in summaries}
    for info in infos:
        if info.session not in sessions:
            sessions[info.session] = _from_store(info)
        sessions[info.session].infos.setdefault(info.sensor, info)
    return sorted(sessions.values(), key=lambda one: one.started_ns)


def session_origin(name: str) -> Origin:
    """Return the origin in a session's head; live for a word that this version does not know."""
    return Origin(name) if name in set(Origin) else Origin.LIVE


def _from_recording(summary: SessionSummary) -> NightSession:
    head = summary.head
    return NightSession(
        session=head.session,
        origin=session_origin(head.origin),
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
