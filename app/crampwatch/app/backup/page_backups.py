"""Backups as the page uses them, while all stages are running: create one, check one, restore what is missing.

Unlike `crampwatch restore`, restoring on the page adds recordings to a folder that is in use. Its invariants:

- It only adds: a recording that is here, or that was deleted here, is not touched.
- A recording is moved into place after its final result and its rows in the store. Whatever interrupts this, restoring
  again completes it, since what is in place already is skipped.
- Nothing is added from a damaged archive: everything is unpacked and compared with its digest first. A recording that
  was damaged before it was backed up is restored as it is, and reported.
- The recorder is not disturbed: it writes to files of its own, and SQLite lets several programs write in turn.
"""

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from crampwatch.app.backup.archive import BackupContent, read_content, unpack_files
from crampwatch.app.backup.create import create_backup
from crampwatch.app.backup.influx_copy import influx_copy_of
from crampwatch.app.cli.progress import Progress
from crampwatch.app.config.addresses import store_url
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.journal import SessionReader
from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.store.sqlite.store import SqliteStore
from crampwatch.web.backups.schema import BackupFindings

__all__ = ["PageBackups"]

_SESSION_NAME: Final = re.compile(r"sessions/[^/]+\.cws")
_RESULT_NAME: Final = re.compile(r"final/[^/]+\.jsonl")
_STORE_NAME: Final = "store.sqlite"


class PageBackups:
    """The backups of a data folder that may be in use.

    Args:
        settings: Data folder and store.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = DataFolder(settings.data)

    @property
    def folder(self) -> Path:
        """Where the page saves backups."""
        return self._folder.root / "backups"

    def make(self, target: Path, progress: Progress) -> None:
        """Back up everything into an archive."""
        create_backup(self._folder, target, database=influx_copy_of(self._settings.store), progress=progress)

    def sessions(self, source: Path) -> int:
        """Return the number of recordings that an archive's manifest lists.

        Raises:
            RecordingError: It is not one of our backups.
        """
        return read_content(source).sessions

    def check(self, source: Path, progress: Progress) -> BackupFindings:
        """Read an archive completely, open every recording in it, and return what restoring it would do.

        Raises:
            RecordingError: It is damaged, or not one of our backups.
            UnavailableError: There is no room to unpack its largest file.
        """
        plan = self._plan(source)
        damaged = []
        with self._temporary_folder() as place:
            for name, path in unpack_files(source, place, progress=progress):
                if not _is_sound(name, path):
                    damaged.append(name)
                path.unlink()
        return plan.findings(damaged, has_store=self._store is not None)

    def restore(self, source: Path, progress: Progress) -> BackupFindings:
        """Add the recordings of an archive that are missing here, with their episodes and the wearer's notes.

        Raises:
            RecordingError: It is damaged, or not one of our backups.
            UnavailableError: There is no room, or a file or the store cannot be written.
        """
        plan = self._plan(source)
        needed = {*plan.absent, *plan.results, *([_STORE_NAME] if self._store else [])}
        damaged = []
        with self._temporary_folder() as place:
            unpacked: dict[str, Path] = {}
            for name, path in unpack_files(source, place, progress=progress):
                if not _is_sound(name, path):
                    damaged.append(name)
                if name in needed:
                    unpacked[name] = path
                else:
                    path.unlink()
            self._add_all(plan, unpacked)
        return plan.findings(damaged, has_store=self._store is not None, brought_back=len(plan.absent))

    def remove_leftovers(self) -> None:
        """Remove the temporary files of an interrupted backup or restore."""
        for leftover in (*self._folder.root.glob(".crampwatch-*"), *self.folder.glob(".crampwatch-*")):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                with suppress(OSError):  # a read-only folder holds no leftovers of ours
                    leftover.unlink(missing_ok=True)

    @cached_property
    def _store(self) -> SqliteStore | None:
        """Our own store; None where it is not a file."""
        scheme, _, rest = store_url(self._settings).partition(":///")
        if scheme != "sqlite":
            return None
        return SqliteStore(Path(rest if rest[1:2] == ":" else f"/{rest}"))

    @contextmanager
    def _temporary_folder(self) -> Iterator[Path]:
        """Create a folder on the disk of the recordings, so that each can be moved into place atomically."""
        try:
            with tempfile.TemporaryDirectory(prefix=".crampwatch-restore-", dir=self._folder.root) as place:
                yield Path(place)
        except OSError as error:
            raise UnavailableError(
                f"The backup cannot be unpacked in {self._folder.root}: {error.strerror or error}.",
                advice="Check permissions and free space, then restore again: what was restored already stays.",
                code="not_written",
            ) from error

    def _plan(self, source: Path) -> "_Plan":
        content = read_content(source)
        sessions = [name for name in content.files if _SESSION_NAME.fullmatch(name)]
        deleted = [name for name in sessions if (self._folder.root / "deleted" / Path(name).name).exists()]
        present = [name for name in sessions if name not in deleted and (self._folder.root / name).exists()]
        absent = [name for name in sessions if name not in deleted and name not in present]
        keys = tuple(Path(name).stem.rpartition("-")[2] for name in absent)
        results = [
            name
            for name in content.files
            if keys and _RESULT_NAME.fullmatch(name) and Path(name).name.startswith(keys)
            if not (self._folder.root / name).exists()
        ]
        return _Plan(content, absent, len(present), len(deleted), results)

    def _add_all(self, plan: "_Plan", unpacked: dict[str, Path]) -> None:
        archived = unpacked.get(_STORE_NAME)
        if archived is not None:
            with closing(SqliteStore(archived)) as old:
                old.sensors()  # migrates a store of an older version
        for name in plan.results:
            self._move_into_place(unpacked[name], name)
        for name in plan.absent:
            if archived is not None and self._store is not None and (session := _session_of(unpacked[name])):
                self._store.merge_session(archived, session)
            self._move_into_place(unpacked[name], name)

    def _move_into_place(self, path: Path, name: str) -> None:
        target = self._folder.root / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not target.exists():
            path.rename(target)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What restoring an archive would do.

    Attributes:
        content: Manifest of the archive.
        absent: Recordings that are missing here.
        present: Number of recordings that are here already.
        deleted: Number of recordings that were deleted here, and can be restored from the trash.
        results: Files with the final results of absent recordings.
    """

    content: BackupContent
    absent: list[str]
    present: int
    deleted: int
    results: list[str]

    def findings(self, damaged: list[str], *, has_store: bool, brought_back: int = 0) -> BackupFindings:
        """Return the plan as the page shows it."""
        return BackupFindings(
            made_utc=self.content.made_utc,
            version=self.content.version,
            files=len(self.content.files),
            sessions=self.content.sessions,
            absent=len(self.absent),
            present=self.present,
            deleted=self.deleted,
            damaged=[Path(name).name for name in damaged],
            with_episodes=has_store and _STORE_NAME in self.content.files,
            brought_back=brought_back,
        )


def _is_sound(name: str, path: Path) -> bool:
    """Return whether an unpacked file can be used.

    A database must pass SQLite's check, and a recording must be one of ours. Other files were checked by their digest.
    """
    try:
        if name.endswith(".cws"):
            with SessionReader(path) as reader:
                reader.summary()
        if name.endswith((".cws", ".sqlite")):
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                return bool(database.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except (CrampwatchError, sqlite3.Error):
        return False
    return True


def _session_of(path: Path) -> str:
    """Return the UUID of a recording; empty where it cannot be read."""
    try:
        with SessionReader(path) as reader:
            return reader.head.session
    except CrampwatchError:
        return ""
