"""Writing a file so that its name never points to half of it."""

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
    """Open a temporary file that replaces `path` when the block ends, and is deleted if the block raises.

    The content is on the disk before the name points to it, so that not even a power cut leaves half a file.

    Raises:
        UnavailableError: The disk is full or failed.
        ConfigurationError: The folder does not exist or cannot be written to.
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
        raise _error_for(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk; Windows, where folders cannot be opened, does so by itself."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _error_for(path: Path, error: OSError) -> CrampwatchError:
    if error.errno in _FULL:
        return UnavailableError(
            f"The disk is full: {path} was not written.",
            advice="Free some space or write to another disk.",
            code="no_room",
        )
    reasons = {
        errno.ENOENT: "its folder does not exist",
        errno.ENOTDIR: "its folder is a file",
        errno.EISDIR: "it is a folder",
        errno.EACCES: "no permission to write to the folder",
        errno.EPERM: "no permission to write to the folder",
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
