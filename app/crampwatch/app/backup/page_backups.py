"""What the page does with backups, beside the stages that run: make one, check one, bring back what is missing here."""

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

_SESSION: Final = re.compile(r"sessions/[^/]+\.cws")
_VERDICT: Final = re.compile(r"final/[^/]+\.jsonl")
_STORE: Final = "store.sqlite"


class PageBackups:
    """Backups of a data folder that is worked in.

    Bringing back adds recordings, and changes or removes nothing: each appears whole, after its verdict and what the
    store knew of it, so that whatever interrupts it, doing it again completes it. The stages may run meanwhile: the
    recorder writes to files of its own, and SQLite lets several programs write in turn.

    Args:
        settings: Which folder, and which store.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = DataFolder(settings.data)

    @property
    def folder(self) -> Path:
        """Where backups made from the page lie."""
        return self._folder.root / "backups"

    def make(self, target: Path, progress: Progress) -> None:
        """Copy all that is kept into an archive."""
        create_backup(self._folder, target, database=influx_copy_of(self._settings.store), progress=progress)

    def sessions(self, source: Path) -> int:
        """Return how many recordings an archive says it holds.

        Raises:
            RecordingError: It is no backup of ours.
        """
        return read_content(source).sessions

    def check(self, source: Path, progress: Progress) -> BackupFindings:
        """Read all of an archive, open every recording in it, and say what bringing it back would do.

        Raises:
            RecordingError: It is damaged, or no backup of ours.
            UnavailableError: There is no room to unpack its largest file.
        """
        plan = self._plan(source)
        damaged = []
        with self._unpacking() as place:
            for name, path in unpack_files(source, place, progress=progress):
                if not _opens(name, path):
                    damaged.append(name)
                path.unlink()
        return plan.findings(damaged, adopts=self._store is not None)

    def restore(self, source: Path, progress: Progress) -> BackupFindings:
        """Add the recordings of an archive that are not here, with their episodes, and the wearer's notes.

        Nothing is added from an archive that is damaged.

        Raises:
            RecordingError: It is damaged, or no backup of ours.
            UnavailableError: There is no room, or a file or the store cannot be written.
        """
        plan = self._plan(source)
        wanted = {*plan.absent, *plan.verdicts, *([_STORE] if self._store else [])}
        damaged = []
        with self._unpacking() as place:
            kept: dict[str, Path] = {}
            for name, path in unpack_files(source, place, progress=progress):
                if not _opens(name, path):
                    damaged.append(name)
                if name in wanted:
                    kept[name] = path
                else:
                    path.unlink()
            self._put_all(plan, kept)
        return plan.findings(damaged, adopts=self._store is not None, brought_back=len(plan.absent))

    def remove_leftovers(self) -> None:
        """Remove what an interrupted backup or restore left."""
        for left in (*self._folder.root.glob(".crampwatch-*"), *self.folder.glob(".crampwatch-*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):  # a folder that we may only read has nothing of ours
                    left.unlink(missing_ok=True)

    @cached_property
    def _store(self) -> SqliteStore | None:
        """Our store; None where it is no file."""
        scheme, _, rest = store_url(self._settings).partition(":///")
        if scheme != "sqlite":
            return None
        return SqliteStore(Path(rest if rest[1:2] == ":" else f"/{rest}"))

    @contextmanager
    def _unpacking(self) -> Iterator[Path]:
        """Lend a folder on the disk where recordings lie, so that each can be put in its place at once."""
        try:
            with tempfile.TemporaryDirectory(prefix=".crampwatch-restore-", dir=self._folder.root) as place:
                yield Path(place)
        except OSError as error:
            raise UnavailableError(
                f"The backup cannot be unpack_files in {self._folder.root}: {error.strerror or error}.",
                advice="Check permissions and free space, then do it again: what is back already stays.",
                code="not_written",
            ) from error

    def _plan(self, source: Path) -> "_Plan":
        content = read_content(source)
        sessions = [name for name in content.files if _SESSION.fullmatch(name)]
        deleted = [name for name in sessions if (self._folder.root / "deleted" / Path(name).name).exists()]
        present = [name for name in sessions if name not in deleted and (self._folder.root / name).exists()]
        absent = [name for name in sessions if name not in deleted and name not in present]
        keys = tuple(Path(name).stem.rpartition("-")[2] for name in absent)
        verdicts = [
            name
            for name in content.files
            if keys and _VERDICT.fullmatch(name) and Path(name).name.startswith(keys)
            if not (self._folder.root / name).exists()
        ]
        return _Plan(content, absent, len(present), len(deleted), verdicts)

    def _put_all(self, plan: "_Plan", kept: dict[str, Path]) -> None:
        theirs = kept.get(_STORE)
        if theirs is not None:
            with closing(SqliteStore(theirs)) as old:
                old.sensors()  # brings one of an older version up to ours
        for name in plan.verdicts:
            self._put(kept[name], name)
        for name in plan.absent:
            if theirs is not None and self._store is not None and (session := _session_of(kept[name])):
                self._store.merge_session(theirs, session)
            self._put(kept[name], name)

    def _put(self, path: Path, name: str) -> None:
        target = self._folder.root / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not target.exists():
            path.rename(target)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What bringing a backup back would do.

    Attributes:
        content: Of the archive.
        absent: Recordings that are not here.
        present: How many are.
        deleted: How many were deleted here, and can be taken back.
        verdicts: Files with what was found in absent ones.
    """

    content: BackupContent
    absent: list[str]
    present: int
    deleted: int
    verdicts: list[str]

    def findings(self, damaged: list[str], *, adopts: bool, brought_back: int = 0) -> BackupFindings:
        """Return it for the page."""
        return BackupFindings(
            made_utc=self.content.made_utc,
            version=self.content.version,
            files=len(self.content.files),
            sessions=self.content.sessions,
            absent=len(self.absent),
            present=self.present,
            deleted=self.deleted,
            damaged=[Path(name).name for name in damaged],
            with_episodes=adopts and _STORE in self.content.files,
            brought_back=brought_back,
        )


def _opens(name: str, path: Path) -> bool:
    """Whether a database is sound; a recording must be one of ours besides. Other files need no more than a digest."""
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
    """Return a recording's UUID; empty where it cannot be read."""
    try:
        with SessionReader(path) as reader:
            return reader.head.session
    except CrampwatchError:
        return ""
