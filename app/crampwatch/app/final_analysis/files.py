"""The files of final results, in the folder `final` of the data folder.

For each session that was analysed, ``<session>.jsonl`` holds its final episodes and ``<session>.live.jsonl`` those that
were found live. The first also marks the session as done. The second exists because the store replaces live episodes by
final ones, and the page shows both.
"""

from collections.abc import Iterable
from pathlib import Path

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.sessions.find import ended_sessions
from crampwatch.bus.endpoint import write_private
from crampwatch.journal import SessionEntry
from crampwatch.protocol import messages
from crampwatch.protocol.errors import CrampwatchError, RecordingError

__all__ = ["load_live_episodes", "save_final_episodes", "save_live_episodes", "sessions_to_finalise"]


def save_final_episodes(folder: DataFolder, session: str, episodes: Iterable[messages.Episode]) -> None:
    """Write the final episodes of a session, and so mark it as done; an earlier result is replaced."""
    _save(_final_path(folder, session), episodes)


def save_live_episodes(folder: DataFolder, session: str, episodes: Iterable[messages.Episode]) -> None:
    """Write the episodes that were found live, from what the store holds, unless they were written before.

    Only the first analysis of a session finds them in the store; later ones find the result of the first.
    """
    path = _live_path(folder, session)
    if not path.exists():
        _save(path, [one for one in episodes if one.status != "final"])


def load_live_episodes(folder: DataFolder, session: str) -> list[messages.Episode]:
    """Return the episodes that were found live in a session; none where that is not known."""
    try:
        lines = _live_path(folder, session).read_bytes().splitlines()
        return [messages.decode(line, messages.Episode) for line in lines]
    except (OSError, CrampwatchError):
        return []


def sessions_to_finalise(folder: DataFolder) -> list[Path]:
    """Return the sessions that were closed properly and have no final result yet, oldest first."""
    return [entry.path for entry in ended_sessions(folder) if not _has_final_result(folder, entry)]


def _has_final_result(folder: DataFolder, entry: SessionEntry) -> bool:
    return entry.summary is not None and _final_path(folder, entry.summary.head.session).exists()


def _save(path: Path, episodes: Iterable[messages.Episode]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, "".join(messages.encode(one).decode() + "\n" for one in episodes))


def _live_path(folder: DataFolder, session: str) -> Path:
    return _final_path(folder, session).with_suffix(".live.jsonl")


def _final_path(folder: DataFolder, session: str) -> Path:
    """Return the path; the session's id comes from a file, and must not lead out of the folder."""
    if not session or not all(part.isalnum() for part in session.split("-")):
        raise RecordingError(f"The session's id is {session[:60]!r}; expected a UUID.", advice="The file is damaged.")
    return folder.finals / f"{session}.jsonl"
