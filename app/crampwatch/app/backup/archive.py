"""Reading the archives of `backup`, which may come from anywhere: what the manifest names, whole, and nothing else."""

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

__all__ = ["DATABASE", "MANIFEST", "BackupContent", "read_content", "unpacked"]

MANIFEST: Final = "manifest.json"
DATABASE: Final = "influxdb.lp.gz"
_LARGEST_MANIFEST: Final = 32_000_000
"""A hundred thousand files; a year of nights has a few thousand."""
_RESERVE_OCTETS: Final = 64_000_000
"""Of the disk, left to what is recorded meanwhile."""
_PIECE_OCTETS: Final = 1 << 20
_ADVICE: Final = "Name an archive that `crampwatch backup` made, and check that it was copied whole."


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
    files: dict[str, str] = field(default_factory=dict)
    points: int = 0

    @property
    def sessions(self) -> int:
        """How many session files."""
        return sum(name.endswith(".cws") for name in self.files)


def read_content(source: Path) -> BackupContent:
    """Return what an archive says it holds, which it does first of all.

    Raises:
        RecordingError: It is no backup of ours.
    """
    try:
        with (
            _refusing(source, "no_backup"),
            source.open("rb") as file,
            tarfile.open(fileobj=file, mode="r|gz") as archive,
        ):
            return _content(archive)
    except OSError as error:
        raise RecordingError(
            f"{source} cannot be read: {error.strerror or error}.", advice=_ADVICE, code="unreadable"
        ) from error


def unpacked(source: Path, place: Path, *, progress: Progress | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the files of an archive, each unpacked under a name of its own and compared with its digest.

    Args:
        source: The archive.
        place: An empty folder; files stay there unless the receiver moves or removes them before it asks for the next.
        progress: Told octets of the archive read, and all of them.

    Yields:
        What the file is called in the data folder, and where it lies now.

    Raises:
        RecordingError: It is no backup of ours, is damaged, cut short, or holds what it does not name.
        UnavailableError: There is no room for what it holds.
    """
    size = source.stat().st_size

    def step() -> None:
        if progress is not None:
            progress(file.tell(), size)

    with (
        source.open("rb") as file,
        _refusing(source, "backup_damaged"),
        tarfile.open(fileobj=file, mode="r|gz") as archive,
    ):
        content = _content(archive)
        left = dict(content.files)
        for number in itertools.count():
            member = archive.next()
            if member is None:
                break
            if member.isdir():
                continue
            digest = left.pop(member.name, None)
            if digest is None or not member.isfile():
                raise RecordingError(f"It holds {member.name[:200]!r}, which it does not name.")
            path = place / str(number)
            _check_room(place, member.size)
            if _unpack(archive, member, path, step) != digest:
                raise RecordingError(f"It is damaged at {member.name}.")
            yield member.name, path
        if left:
            raise RecordingError(f"It lacks {min(left)}.")


@contextmanager
def _refusing(source: Path, code: FailureCode) -> Iterator[None]:
    """Tell of whatever is wrong with an archive in our words."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, ValueError, RecordingError) as error:
        raise RecordingError(
            f"{source} cannot be read as a backup: {str(error).rstrip('.')}.", advice=_ADVICE, code=code
        ) from error


def _content(archive: tarfile.TarFile) -> BackupContent:
    member = archive.next()
    file = archive.extractfile(member) if member is not None and member.name == MANIFEST and member.isfile() else None
    if member is None or file is None:
        raise RecordingError(f"It does not begin with {MANIFEST}.")
    if member.size > _LARGEST_MANIFEST:
        raise RecordingError(f"Its {MANIFEST} has {member.size} octets; at most {_LARGEST_MANIFEST} are read.")
    try:
        content = msgspec.json.decode(file.read(), type=BackupContent)
    except msgspec.MsgspecError as error:
        raise RecordingError(f"Its {MANIFEST} cannot be read: {error}.") from error
    for name in content.files:
        _check_name(name)
    return content


def _check_name(name: str) -> None:
    """Refuse whatever would not lie inside of a data folder, on any system."""
    parts = PurePosixPath(name).parts
    if (
        not name
        or name != "/".join(parts)
        or ".." in parts
        or name.startswith("/")
        or re.search(r"[\\:\x00-\x1f]", name)
    ):
        raise RecordingError(f"It names {name[:200]!r}, which lies outside.")


def _check_room(place: Path, octets: int) -> None:
    free = shutil.disk_usage(place).free - _RESERVE_OCTETS
    if octets > free:
        raise UnavailableError(
            f"There is no room for {octets / 1e6:.0f} MB more; {max(0, free) / 1e6:.0f} MB are free.",
            advice="Free some space, then try again.",
            code="no_room",
        )


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, step: Callable[[], None]) -> str:
    """Write one file, readable by its owner only; return its digest once it is on the disk."""
    digest = hashlib.sha256()
    source = archive.extractfile(member)
    assert source is not None, "an ordinary file"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while piece := source.read(_PIECE_OCTETS):
                digest.update(piece)
                file.write(piece)
                step()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError(
            f"{member.name} cannot be unpacked: {error.strerror or error}.",
            advice="Check permissions and free space.",
            code="not_written",
        ) from error
    return digest.hexdigest()
