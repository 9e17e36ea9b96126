"""Finds session files: by content, in the data folder, and by the names that people type."""

from pathlib import Path
from typing import Final

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.journal import SessionEntry, is_session_file, list_sessions
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["all_sessions", "ended_sessions", "find_session", "is_session"]

_PARTS: Final = ("", "demo", "replay")
"""Folders with sessions within the data folder: real nights at the top, simulated and replayed ones apart."""
_HEAD_BYTES: Final = 100
"""SQLite's file header, which holds our application id."""


def is_session(path: Path) -> bool:
    """Return whether a file is one of our sessions, by its content or its suffix."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        head = b""
    return is_session_file(head, path)


def all_sessions(folder: DataFolder) -> list[SessionEntry]:
    """Return all sessions of a data folder, oldest first, demonstrations and replays included."""
    found = [entry for part in _PARTS for entry in list_sessions(folder.part(part).sessions)]
    return sorted(found, key=lambda entry: entry.path.name)


def ended_sessions(folder: DataFolder) -> list[SessionEntry]:
    """Return the sessions of real nights that were closed properly, oldest first."""
    return [
        entry
        for entry in list_sessions(folder.sessions)
        if entry.summary is not None and entry.summary.ended_utc_ns is not None
    ]


def find_session(folder: DataFolder, name: str) -> Path:
    """Return a session file by its path, by a prefix of its name or of its id, or the newest by ``last``.

    Raises:
        ConfigurationError: No session has that prefix, or several have.
    """
    if Path(name).is_file():
        return Path(name)
    paths = [entry.path for entry in all_sessions(folder)]
    if name == "last" and paths:
        return paths[-1]
    matching = [path for path in paths if any(part.startswith(name) for part in (path.name, path.stem.split("-")[-1]))]
    if len(matching) == 1:
        return matching[0]
    problem = f"{len(matching)} sessions match {name!r}" if matching else f"No session or file {name!r}"
    raise ConfigurationError(
        f"{problem} in {folder.root}.", advice="`crampwatch sessions` lists them; `last` is the newest."
    )
