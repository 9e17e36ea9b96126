"""Writing a file so that its name holds all of it or nothing."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, UnavailableError

__all__ = ["replacing"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place once the block ends well, and vanishes otherwise.

    The octets are on the disk before the name points to them, so that not even a power cut leaves half a file.

    Raises:
        UnavailableError: The disk is full or failed.
        ConfigurationError: The folder does not exist or may not be written to.
    """
    partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name last; where folders cannot be opened, as on Windows, the system does so itself."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refused(path: Path, error: OSError) -> CrampwatchError:
    if error.errno in _FULL:
        return UnavailableError(
            f"There is not enough room on the disk to write {path}; nothing was left under that name.",
            advice="Free some space or write to another disk.",
            code="no_room",
        )
    reasons = {
        errno.ENOENT: "its folder does not exist",
        errno.ENOTDIR: "its folder is a file",
        errno.EISDIR: "it is a folder",
        errno.EACCES: "the folder may not be written to",
        errno.EPERM: "the folder may not be written to",
        errno.EROFS: "the disk is read-only",
        errno.ENAMETOOLONG: "the name is too long",
    }
    reason = reasons.get(error.errno or 0)
    if reason is None:
        return UnavailableError(
            f"{path} could not be written: {error}.", advice="Check the disk, then try again.", code="not_written"
        )
    return ConfigurationError(
        f"{path} could not be written: {reason}.", advice="Name another file.", code="not_written"
    )
