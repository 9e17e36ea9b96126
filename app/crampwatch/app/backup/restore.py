"""Restores a backup into a data folder that holds no recordings yet."""

import tempfile
from pathlib import Path

from crampwatch.app.backup.archive import DATABASE, BackupContent, read_content, unpack_files
from crampwatch.app.backup.influx_copy import InfluxCopy
from crampwatch.app.config.data_folder import DataFolder, FolderLock
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["restore_backup"]


def restore_backup(source: Path, folder: DataFolder, *, database: InfluxCopy | None = None) -> BackupContent:
    """Restore everything that an archive holds.

    The archive is unpacked and checked completely first: a damaged one changes nothing.

    Args:
        source: The archive.
        folder: Created where it does not exist; must hold no recordings, since nothing is overwritten.
        database: The InfluxDB for the archive's points.

    Raises:
        RecordingError: The archive is none of ours, or is damaged.
        ConfigurationError: The folder has recordings, or the archive holds points and no InfluxDB is named.
        UnavailableError: Something cannot be written.
    """
    folder.create()
    if any(path.is_file() for path in (*folder.root.glob("sessions/*"), *folder.root.glob("store.sqlite"))):
        raise ConfigurationError(
            f"{folder.root} already holds recordings, which are never overwritten.",
            advice="Name an empty folder by --data.",
        )
    with FolderLock(folder), tempfile.TemporaryDirectory(prefix=".crampwatch-restore-", dir=folder.root) as place:
        copy = Path(place) / "copy"
        content = read_content(source)
        if content.points and database is None:
            raise ConfigurationError(
                f"{source} holds {content.points} points of an InfluxDB.",
                advice="Name the InfluxDB to restore them into by --store, and its token by CRAMPWATCH_STORE_TOKEN.",
            )
        try:
            _unpack_all(source, Path(place), copy)
            if database is not None and (copy / DATABASE).exists():
                database.load(copy / DATABASE)
            _move_files(copy, folder.root, content)
        except OSError as error:
            raise UnavailableError(
                f"{source} cannot be restored into {folder.root}: {error}.",
                advice="Check permissions and free space.",
            ) from error
    return content


def _unpack_all(source: Path, place: Path, copy: Path) -> None:
    for name, path in unpack_files(source, place):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


def _move_files(copy: Path, root: Path, content: BackupContent) -> None:
    for name in content.files:
        if name != DATABASE:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (copy / name).replace(target)
