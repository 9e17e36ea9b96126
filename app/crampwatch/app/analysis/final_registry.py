"""Which sessions were judged as a whole: a file of their final episodes beside the sessions, one a session."""

from collections.abc import Iterable
from pathlib import Path

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.bus.endpoint import write_private
from crampwatch.journal import list_sessions
from crampwatch.protocol import messages
from crampwatch.protocol.errors import CrampwatchError, RecordingError

__all__ = ["is_final", "keep_live", "mark_final", "pending", "said_live"]


def is_final(folder: DataFolder, session: str) -> bool:
    """Return whether a session was judged already."""
    return _mark(folder, session).exists()


def mark_final(folder: DataFolder, session: str, episodes: Iterable[messages.Episode]) -> None:
    """Keep the final episodes of a session, JSON Lines."""
    folder.finals.mkdir(parents=True, exist_ok=True)
    write_private(_mark(folder, session), "".join(messages.encode(one).decode() + "\n" for one in episodes))


def keep_live(folder: DataFolder, session: str, episodes: Iterable[messages.Episode]) -> None:
    """Keep what was said live of a session, once: the store holds but the verdict that came after it."""
    path = _mark(folder, session).with_suffix(".live.jsonl")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        live = [one for one in episodes if one.status != "final"]
        write_private(path, "".join(messages.encode(one).decode() + "\n" for one in live))


def said_live(folder: DataFolder, session: str) -> list[messages.Episode]:
    """Return what was said live of a session that was judged since; none where that is not known."""
    try:
        lines = _mark(folder, session).with_suffix(".live.jsonl").read_bytes().splitlines()
        return [messages.decode(line, messages.Episode) for line in lines]
    except (OSError, CrampwatchError):
        return []


def pending(folder: DataFolder) -> list[Path]:
    """Return the sessions that ended in order and were not judged yet, oldest first."""
    return [
        entry.path
        for entry in list_sessions(folder.sessions)
        if entry.summary is not None
        and entry.summary.ended_utc_ns is not None
        and not is_final(folder, entry.summary.head.session)
    ]


def _mark(folder: DataFolder, session: str) -> Path:
    if not session or not all(part.isalnum() for part in session.split("-")):
        raise RecordingError(f"A session is called {session[:60]!r}; expected a UUID.", advice="The file is damaged.")
    return folder.finals / f"{session}.jsonl"
