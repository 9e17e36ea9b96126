"""Backup and restore: everything that is kept, in one archive that says what is in it and whether it is whole.

Databases are copied by SQLite's own backup, so that a night that is just being recorded is copied as it was at one
moment. What is in InfluxDB is copied as line protocol, which every version of it, and much else, takes.
"""

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from crampwatch.app.backup.archive import DATABASE, MANIFEST, BackupContent, read_content, unpacked
from crampwatch.app.backup.influx_copy import InfluxCopy
from crampwatch.app.cli.progress import Progress
from crampwatch.app.cli.version import version_text
from crampwatch.app.config.data_folder import DataFolder, FolderLock
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["BackupContent", "back_up", "restore"]

_LEFT_OUT: Final = frozenset(
    {"logs", "cache", "backups", "demo", "replay", ".lock", "installation"}
    | {"nats.log", "nats.pid", "nats.conf", "jetstream"}
)
"""Made anew by themselves, of no night, or copies already; and the name that no other installation may bear."""
_DATABASES: Final = (".cws", ".sqlite")
_COMPANIONS: Final = frozenset(end + more for end in _DATABASES for more in ("-wal", "-shm", "-journal"))


def back_up(
    folder: DataFolder, target: Path, *, database: InfluxCopy | None = None, progress: Progress | None = None
) -> BackupContent:
    """Copy a data folder, also while it is worked in, and the database.

    Args:
        folder: What is copied.
        target: The archive, which must not exist; it appears when it is whole.
        database: Where points are, if in InfluxDB.
        progress: Told octets copied and packed, and all of them; what it raises ends the backup without a trace.

    Raises:
        ConfigurationError: The archive exists.
        UnavailableError: Something cannot be read or written.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists.", advice="Choose another name; nothing is written over.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".crampwatch-backup-", dir=target.parent) as place:
            copy = Path(place) / "copy"
            count = _Count(2 * sum(path.stat().st_size for path in _kept(folder.root)), progress)
            _copy_folder(folder.root, copy, count)
            points = 0 if database is None else database.save(copy / DATABASE)
            content = _described(copy, points)
            (copy / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
            draft = Path(place) / "draft"
            _pack(copy, draft, count)
            draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(
            f"The backup {target} cannot be made: {error}.",
            advice="Check permissions and free space.",
            code="not_written",
        ) from error
    return content


def restore(source: Path, folder: DataFolder, *, database: InfluxCopy | None = None) -> BackupContent:
    """Put back what an archive holds, into a folder that holds no recordings.

    Nothing is put back from an archive that is damaged.

    Raises:
        RecordingError: It is no backup of ours, or is damaged.
        ConfigurationError: The folder has recordings, or the archive holds points and no InfluxDB is named.
        UnavailableError: Something cannot be written.
    """
    folder.create()
    if any(path.is_file() for path in (*folder.root.glob("sessions/*"), *folder.root.glob("store.sqlite"))):
        raise ConfigurationError(
            f"{folder.root} has recordings; nothing is written over.", advice="Name an empty folder by --data."
        )
    with FolderLock(folder), tempfile.TemporaryDirectory(prefix=".crampwatch-restore-", dir=folder.root) as place:
        copy = Path(place) / "copy"
        content = read_content(source)
        if content.points and database is None:
            raise ConfigurationError(
                f"{source} holds {content.points} points of an InfluxDB.",
                advice="Name the InfluxDB they shall go to by --store, with its token.",
            )
        try:
            _unpack(source, Path(place), copy)
            if database is not None and (copy / DATABASE).exists():
                database.load(copy / DATABASE)
            _put_back(copy, folder.root, content)
        except OSError as error:
            raise UnavailableError(
                f"{source} cannot be put back into {folder.root}: {error}.", advice="Check permissions and free space."
            ) from error
    return content


class _Count:
    """Octets done of all, told on.

    Args:
        total: All of them, as far as known.
        progress: Told of each step.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done = 0
        self._total = total
        self._progress = progress

    def add(self, octets: int) -> None:
        """Tell of some more."""
        self._done += octets
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _Counted:
    """A file whose reading is told."""

    def __init__(self, file: BinaryIO, count: _Count) -> None:
        self._file = file
        self._count = count

    def read(self, octets: int = -1) -> bytes:
        """Read on."""
        piece = self._file.read(octets)
        self._count.add(len(piece))
        return piece


def _copy_folder(root: Path, copy: Path, count: _Count) -> None:
    copy.mkdir()
    for path in _kept(root):
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in _DATABASES:
            _copy_database(path, target)
        else:
            shutil.copy2(path, target)
        count.add(target.stat().st_size)


def _kept(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        is_ours = any(part.startswith(".crampwatch-") for part in parts)  # a backup or restore that was cut short
        if path.is_file() and not is_ours and not _LEFT_OUT.intersection(parts) and path.suffix not in _COMPANIONS:
            yield path


def _copy_database(path: Path, target: Path) -> None:
    """Copy a database as it is at one moment; one that is damaged as it is: it shall not keep others from a backup."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        shutil.copy2(path, target)


def _described(copy: Path, points: int) -> BackupContent:
    files = {
        str(path.relative_to(copy).as_posix()): _digest(path) for path in sorted(copy.rglob("*")) if path.is_file()
    }
    return BackupContent(datetime.now(UTC).isoformat(timespec="seconds"), version_text(), files, points)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(copy: Path, draft: Path, count: _Count) -> None:
    """Write the archive, readable by its owner only, and wait until it is on the disk."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        # Session files hold noise, which is not compressed further by more effort.
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            archive.add(copy / MANIFEST, MANIFEST)
            for path in sorted(path for path in copy.rglob("*") if path.is_file() and path != copy / MANIFEST):
                with path.open("rb") as content:
                    header = archive.gettarinfo(arcname=path.relative_to(copy).as_posix(), fileobj=content)
                    archive.addfile(header, _Counted(content, count))
        file.flush()
        os.fsync(file.fileno())


def _unpack(source: Path, place: Path, copy: Path) -> None:
    for name, path in unpacked(source, place):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


def _put_back(copy: Path, root: Path, content: BackupContent) -> None:
    for name in content.files:
        if name != DATABASE:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (copy / name).replace(target)
