"""Backup and restore: everything that is kept, in one archive that says what is in it and whether it is whole.

Databases are copied by SQLite's own backup, so that a night that is just being recorded is copied as it was at one
moment. What is in InfluxDB is copied as line protocol, which every version of it, and much else, takes.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from crampwatch.app.folder import DataFolder, FolderLock
from crampwatch.app.influx_copy import InfluxCopy
from crampwatch.app.version import version_text
from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, RecordingError, UnavailableError

__all__ = ["BackupContent", "back_up", "restore"]

_MANIFEST: Final = "manifest.json"
_DATABASE: Final = "influxdb.lp.gz"
_LEFT_OUT: Final = frozenset({"logs", "demo", "replay", ".lock", "nats.log", "nats.pid", "nats.conf", "jetstream"})
"""Made anew by themselves, or of no night."""
_DATABASES: Final = (".cws", ".sqlite")
_COMPANIONS: Final = frozenset(end + more for end in _DATABASES for more in ("-wal", "-shm", "-journal"))


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What an archive holds.

    Attributes:
        made_utc: When, ISO 8601.
        version: Of the crampwatch that made it.
        files: SHA-256 by path.
        points: Copied from InfluxDB.
    """

    made_utc: str
    version: str
    files: dict[str, str]
    points: int = 0

    @property
    def sessions(self) -> int:
        """How many session files."""
        return sum(name.endswith(".cws") for name in self.files)


def back_up(folder: DataFolder, target: Path, *, database: InfluxCopy | None = None) -> BackupContent:
    """Copy a data folder, also while it is worked in, and the database.

    Args:
        folder: What is copied.
        target: The archive, which must not exist; it appears when it is whole.
        database: Where points are, if in InfluxDB.

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
            _copy_folder(folder.root, copy)
            points = 0 if database is None else database.save(copy / _DATABASE)
            content = _described(copy, points)
            (copy / _MANIFEST).write_text(json.dumps(_fields(content), indent=1))
            draft = Path(place) / "draft"
            _pack(copy, draft)
            draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(
            f"The backup {target} cannot be made: {error}.", advice="Check permissions and free space."
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
        copy = Path(place)
        content = _unpacked(source, copy)
        if content.points and database is None:
            raise ConfigurationError(
                f"{source} holds {content.points} points of an InfluxDB.",
                advice="Name the InfluxDB they shall go to by --store, with its token.",
            )
        try:
            if database is not None and (copy / _DATABASE).exists():
                database.load(copy / _DATABASE)
            _put_back(copy, folder.root, content)
        except OSError as error:
            raise UnavailableError(
                f"{source} cannot be put back into {folder.root}: {error}.", advice="Check permissions and free space."
            ) from error
    return content


def _copy_folder(root: Path, copy: Path) -> None:
    copy.mkdir()
    for path in _kept(root):
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in _DATABASES:
            _copy_database(path, target)
        else:
            shutil.copy2(path, target)


def _kept(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        is_ours = any(part.startswith(".crampwatch-") for part in parts)  # a backup or restore that was cut short
        if path.is_file() and not is_ours and not _LEFT_OUT.intersection(parts) and path.suffix not in _COMPANIONS:
            yield path


def _copy_database(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _described(copy: Path, points: int) -> BackupContent:
    files = {
        str(path.relative_to(copy).as_posix()): _digest(path) for path in sorted(copy.rglob("*")) if path.is_file()
    }
    return BackupContent(datetime.now(UTC).isoformat(timespec="seconds"), version_text(), files, points)


def _fields(content: BackupContent) -> dict[str, Any]:
    return {"made_utc": content.made_utc, "version": content.version, "files": content.files, "points": content.points}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(copy: Path, draft: Path) -> None:
    """Write the archive, readable by its owner only, and wait until it is on the disk."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        # Session files hold noise, which is not compressed further by more effort.
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            archive.add(copy / _MANIFEST, _MANIFEST)
            for path in sorted(copy.iterdir()):
                if path.name != _MANIFEST:
                    archive.add(path, path.name)
        file.flush()
        os.fsync(file.fileno())


def _unpacked(source: Path, copy: Path) -> BackupContent:
    """Unpack into a folder; return what was found, every file of it whole."""
    advice = "Name an archive that `crampwatch backup` made, and check that it was copied whole."
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(copy, filter="data")
        content = BackupContent(**json.loads((copy / _MANIFEST).read_text()))
        damaged = [name for name, digest in content.files.items() if _digest(_inside(copy, name)) != digest]
    except (OSError, EOFError, tarfile.TarError, ValueError, TypeError, CrampwatchError) as error:
        raise RecordingError(f"{source} cannot be read as a backup: {error}.", advice=advice) from error
    if damaged:
        raise RecordingError(f"{source} is damaged at {damaged[0]}.", advice=advice)
    return content


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RecordingError(f"It names {name!r}, which lies outside.")
    return path


def _put_back(copy: Path, root: Path, content: BackupContent) -> None:
    for name in content.files:
        if name != _DATABASE:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _inside(copy, name).replace(target)
