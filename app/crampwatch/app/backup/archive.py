"""Reads backups, which may come from anywhere and are trusted in nothing. The format is described in `create.py`.

- The manifest must come first, and may not be larger than any real one.
- A name may not lead out of the data folder, on any system: no absolute path, no ``..``, no backslash or drive letter.
- Members are unpacked one by one under numbers of our own; one that the manifest does not name is an error, and so
  is one that it names and that is missing.
- Before each member its size is compared with the free space, so that a small archive that unpacks to a very large file
  does not fill the disk on which a night is being recorded.
- A member counts only when its digest is right.
"""

import hashlib
import itertools
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from crampwatch.app.cli.progress import Progress
from crampwatch.protocol.errors import FailureCode, RecordingError, UnavailableError

__all__ = ["DATABASE", "MANIFEST", "BackupContent", "read_content", "unpack_files"]

MANIFEST: Final = "manifest.json"
DATABASE: Final = "influxdb.lp.gz"
_LARGEST_MANIFEST_BYTES: Final = 32_000_000
"""A few hundred thousand files; a year of nights has a few thousand."""
_RESERVE_BYTES: Final = 64_000_000
"""Left free for what is recorded meanwhile: three hours of a sensor with two channels at 1 kHz."""
_CHUNK_BYTES: Final = 1 << 20
_ADVICE: Final = "Name an archive made by `crampwatch backup`, and check that it was copied completely."


@dataclass(frozen=True, slots=True)
class BackupContent:
    """The manifest of an archive; its fields are stored as JSON under these names.

    Attributes:
        made_utc: ISO 8601.
        version: Of the crampwatch that made the archive.
        files: SHA-256 by path within the data folder.
        points: Number of points copied from InfluxDB.
    """

    made_utc: str
    version: str
    files: dict[str, str] = field(default_factory=dict)
    points: int = 0

    @property
    def sessions(self) -> int:
        """Number of session files."""
        return sum(name.endswith(".cws") for name in self.files)


def read_content(source: Path) -> BackupContent:
    """Return the manifest of an archive; nothing else of the archive is read or checked.

    Raises:
        RecordingError: It is not one of our backups.
    """
    try:
        with (
            _backup_errors(source, "no_backup"),
            source.open("rb") as file,
            tarfile.open(fileobj=file, mode="r|gz") as archive,
        ):
            return _read_manifest(archive)
    except OSError as error:
        raise RecordingError(
            f"{source} cannot be read: {error.strerror or error}.", advice=_ADVICE, code="unreadable"
        ) from error


def unpack_files(source: Path, place: Path, *, progress: Progress | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the files of an archive, each unpacked to a temporary name and compared with its digest.

    Args:
        source: The archive.
        place: An empty folder. The caller moves or removes each file before the next, or leaves it there.
        progress: Called with the bytes of the archive that were read, and their total.

    Yields:
        The file's path within the data folder, and where it was unpacked.

    Raises:
        RecordingError: It is not one of our backups, is damaged or incomplete, or holds a file that it does not name.
        UnavailableError: The disk has no room for the next file.
    """
    size = source.stat().st_size

    def report_step() -> None:
        if progress is not None:
            progress(file.tell(), size)

    with (
        source.open("rb") as file,
        _backup_errors(source, "backup_damaged"),
        tarfile.open(fileobj=file, mode="r|gz") as archive,
    ):
        content = _read_manifest(archive)
        left = dict(content.files)
        for number in itertools.count():
            member = archive.next()
            if member is None:
                break
            if member.isdir():
                continue
            digest = left.pop(member.name, None)
            if digest is None or not member.isfile():
                raise RecordingError(f"It holds {member.name[:200]!r}, which its {MANIFEST} does not name.")
            path = place / str(number)
            _check_room(place, member.size)
            if _unpack_member(archive, member, path, report_step) != digest:
                raise RecordingError(f"Its file {member.name} is damaged.")
            yield member.name, path
        if left:
            raise RecordingError(f"Its file {min(left)} is missing.")


@contextmanager
def _backup_errors(source: Path, code: FailureCode) -> Iterator[None]:
    """Turn every error of reading an archive into one of ours, with the archive's path and advice."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, ValueError, RecordingError) as error:
        raise RecordingError(
            f"{source} cannot be read as a backup: {str(error).rstrip('.')}.", advice=_ADVICE, code=code
        ) from error


def _read_manifest(archive: tarfile.TarFile) -> BackupContent:
    member = archive.next()
    file = archive.extractfile(member) if member is not None and member.name == MANIFEST and member.isfile() else None
    if member is None or file is None:
        raise RecordingError(f"It does not start with {MANIFEST}.")
    if member.size > _LARGEST_MANIFEST_BYTES:
        raise RecordingError(f"Its {MANIFEST} has {member.size} bytes; expected at most {_LARGEST_MANIFEST_BYTES}.")
    try:
        content = msgspec.json.decode(file.read(), type=BackupContent)
    except msgspec.MsgspecError as error:
        raise RecordingError(f"Its {MANIFEST} cannot be read: {error}.") from error
    for name in content.files:
        _check_name(name)
    return content


def _check_name(name: str) -> None:
    """Refuse a name that leads out of the data folder, on any system."""
    parts = PurePosixPath(name).parts  # of an absolute path the first is "/", so that joined they differ from the name
    if not name or name != "/".join(parts) or ".." in parts or re.search(r"[\\:\x00-\x1f]", name):
        raise RecordingError(f"It names {name[:200]!r}, which is not a path within a data folder.")


def _check_room(place: Path, size: int) -> None:
    free = shutil.disk_usage(place).free - _RESERVE_BYTES
    if size > free:
        raise UnavailableError(
            f"The disk has no room for another {size / 1e6:.0f} MB; {max(0, free) / 1e6:.0f} MB can be used.",
            advice="Free up space, then try again.",
            code="no_room",
        )


def _unpack_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, report_step: Callable[[], None]
) -> str:
    """Write one file, readable by its owner only; return its digest once it is on the disk."""
    digest = hashlib.sha256()
    source = archive.extractfile(member)
    assert source is not None, "an ordinary file"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while piece := source.read(_CHUNK_BYTES):
                digest.update(piece)
                file.write(piece)
                report_step()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError(
            f"{member.name} cannot be unpacked: {error.strerror or error}.",
            advice="Check permissions and free space.",
            code="not_written",
        ) from error
    return digest.hexdigest()
