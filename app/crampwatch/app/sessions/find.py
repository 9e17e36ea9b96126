"""Session files: telling them from other recordings, and finding one by what people call it."""

from pathlib import Path

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.journal import SessionEntry, is_session_file, list_sessions
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["ended_sessions", "find_session", "is_session", "known_sessions"]

_PARTS = ("", "demo", "replay")
"""Where sessions lie: real nights at the top, simulated and replayed ones apart."""
_HEAD_OCTETS = 100


def is_session(path: Path) -> bool:
    """Tell whether a file is a session of ours, by SQLite's header with our application id at octet 68."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_OCTETS)
    except OSError:
        head = b""
    return is_session_file(head, path)


def known_sessions(folder: DataFolder) -> list[SessionEntry]:
    """Return all sessions of a data folder, oldest first; demonstrations and replays among them."""
    found = [entry for part in _PARTS for entry in list_sessions(folder.part(part).sessions)]
    return sorted(found, key=lambda entry: entry.path.name)


def ended_sessions(folder: DataFolder) -> list[Path]:
    """Return the real sessions of a data folder that ended in order, oldest first."""
    return [
        entry.path
        for entry in list_sessions(folder.sessions)
        if entry.summary is not None and entry.summary.ended_utc_ns is not None
    ]


def find_session(folder: DataFolder, name: str) -> Path:
    """Return a session file by its path, file name, the begin of either part of its name, or ``last``.

    Raises:
        ConfigurationError: None or several fit.
    """
    if Path(name).is_file():
        return Path(name)
    paths = [entry.path for entry in known_sessions(folder)]
    if name == "last" and paths:
        return paths[-1]
    fitting = [path for path in paths if any(part.startswith(name) for part in (path.name, path.stem.split("-")[-1]))]
    if len(fitting) == 1:
        return fitting[0]
    met = f"{len(fitting)} sessions fit {name!r}" if fitting else f"There is no session or file {name!r}"
    raise ConfigurationError(
        f"{met} in {folder.root}.", advice="`crampwatch sessions` lists them; `last` is the newest."
    )
