"""Creates a backup: everything in a data folder that cannot be made again, in one archive.

The archive is a gzip-compressed tar. Its first member is ``manifest.json`` with the date, the version and the SHA-256
of every other member, so that a reader can list what an archive holds without reading it all, and can tell one that is
cut short or damaged. The other members have their paths within the data folder; ``influxdb.lp.gz``, where the store is
an InfluxDB, holds its points as line protocol, which every version of InfluxDB and many other programs read.

A backup may be made while the folder is in use. Databases are copied by SQLite's backup API, which gives the state at
one moment, also of a session that is being recorded; every other file is small and replaced atomically. Three steps:

1. Copy everything into a temporary folder beside the archive.
2. Compute the digests of the copies, and write the manifest.
3. Pack the copies, flush the archive to the disk and rename it. An archive with its final name is complete.

Left out: what is made again by itself (logs, caches, the broker's queues), demonstrations and replays, other backups,
and the file ``installation``, the name by which this data folder and no other connects to a broker.
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
from crampwatch.app.backup.archive import DATABASE, MANIFEST, BackupContent
from crampwatch.app.backup.influx_copy import InfluxCopy
from crampwatch.app.cli.progress import Progress
from crampwatch.app.cli.version import version_text
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["create_backup"]

_LEFT_OUT: Final = frozenset(
    {"logs", "cache", "backups", "demo", "replay", ".lock", "installation"}
    | {"nats.log", "nats.pid", "nats.conf", "jetstream"}
)
"""Names of files and folders, at any depth."""
_DATABASES: Final = (".cws", ".sqlite")
_COMPANIONS: Final = frozenset(suffix + more for suffix in _DATABASES for more in ("-wal", "-shm", "-journal"))
"""Files that SQLite keeps beside an open database; the copy of the database includes what they hold."""
_GZIP_LEVEL: Final = 1
"""Session files are mostly noise, which more effort does not compress further."""


def create_backup(
    folder: DataFolder, target: Path, *, database: InfluxCopy | None = None, progress: Progress | None = None
) -> BackupContent:
    """Copy a data folder, and the points of an InfluxDB, into an archive.

    Args:
        folder: May be in use.
        target: The archive, which must not exist.
        database: The InfluxDB, where that is the store.
        progress: Called with the bytes done and their total; each byte counts twice, for copying and packing. An
            exception that it raises cancels the backup and leaves no file behind.

    Raises:
        ConfigurationError: The archive exists.
        UnavailableError: Something cannot be read or written.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists already.", advice="Choose another name; no file is overwritten.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".crampwatch-backup-", dir=target.parent) as place:
            copy = Path(place) / "copy"
            counter = _ByteCounter(2 * sum(path.stat().st_size for path in _files_to_save(folder.root)), progress)
            _copy_folder(folder.root, copy, counter)
            points = 0 if database is None else database.save(copy / DATABASE)
            content = _content_of(copy, points)
            (copy / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
            draft = Path(place) / "draft"
            _pack(copy, draft, counter)
            draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(
            f"The backup {target} cannot be created: {error}.",
            advice="Check permissions and free space.",
            code="not_written",
        ) from error
    return content


class _ByteCounter:
    """Reports the bytes done to a progress function.

    Args:
        total: As far as known; a file that grows meanwhile does not let the progress exceed it.
        progress: None to report nothing.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done = 0
        self._total = total
        self._progress = progress

    def add(self, size: int) -> None:
        """Add some bytes and report."""
        self._done += size
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _CountedFile:
    """A file for tarfile to read from, which counts what was read."""

    def __init__(self, file: BinaryIO, counter: _ByteCounter) -> None:
        self._file = file
        self._counter = counter

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        piece = self._file.read(size)
        self._counter.add(len(piece))
        return piece


def _copy_folder(root: Path, copy: Path, counter: _ByteCounter) -> None:
    copy.mkdir()
    for path in _files_to_save(root):
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in _DATABASES:
            _copy_database(path, target)
        else:
            shutil.copy2(path, target)
        counter.add(target.stat().st_size)


def _files_to_save(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        is_leftover = any(part.startswith(".crampwatch-") for part in parts)  # of an interrupted backup or restore
        is_left_out = is_leftover or _LEFT_OUT.intersection(parts) or path.suffix in _COMPANIONS
        if path.is_file() and not is_left_out:
            yield path


def _copy_database(path: Path, target: Path) -> None:
    """Copy a database as it is at one moment. A damaged one is copied as it is: it must not prevent all backups."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        shutil.copy2(path, target)


def _content_of(copy: Path, points: int) -> BackupContent:
    files = {
        str(path.relative_to(copy).as_posix()): _digest(path) for path in sorted(copy.rglob("*")) if path.is_file()
    }
    return BackupContent(datetime.now(UTC).isoformat(timespec="seconds"), version_text(), files, points)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(copy: Path, draft: Path, counter: _ByteCounter) -> None:
    """Write the archive, readable by its owner only, and wait until it is on the disk."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_GZIP_LEVEL) as archive:
            archive.add(copy / MANIFEST, MANIFEST)
            for path in sorted(path for path in copy.rglob("*") if path.is_file() and path != copy / MANIFEST):
                with path.open("rb") as content:
                    header = archive.gettarinfo(arcname=path.relative_to(copy).as_posix(), fileobj=content)
                    archive.addfile(header, _CountedFile(content, counter))
        file.flush()
        os.fsync(file.fileno())
