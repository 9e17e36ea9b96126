"""Jobs on backups, started from the page: make, check, restore, in the background, one at a time. Calls block."""

import contextlib
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

import msgspec
from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError
from crampwatch.web.backups.schema import BackupFindings, BackupJob, BackupRow, Backups
from crampwatch.web.http.openapi import ProblemCode
from crampwatch.web.sessions.exports import UNEXPECTED, Progress

__all__ = ["BackupJobs", "BackupWork", "Upload"]

_SUFFIX: Final = ".tar.gz"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.tar\.gz")
_RESERVED_BYTES: Final = 500_000_000
"""Free space that an upload may not use: room to record three nights of two channels."""
_log: Final = logging.getLogger(__name__)
JobKind = Literal["make", "check", "restore"]


class BackupWork(Protocol):
    """The work itself. Its methods raise CrampwatchError if it cannot be done; an exception in ``progress`` ends it."""

    @property
    def folder(self) -> Path:
        """Folder the backups are stored in."""

    def make(self, target: Path, progress: Progress) -> None:
        """Write an archive of the data folder; the file appears under its name when it is complete."""

    def sessions(self, source: Path) -> int:
        """Return the number of recordings that an archive lists."""

    def check(self, source: Path, progress: Progress) -> BackupFindings:
        """Read all of an archive, and compare every file with its digest."""

    def restore(self, source: Path, progress: Progress) -> BackupFindings:
        """Add the recordings that are missing here; change and remove nothing."""

    def remove_leftovers(self) -> None:
        """Remove files that interrupted work left behind."""


class _CancelledError(Exception):
    """The job was cancelled."""


class BackupJobs:
    """The backups of a machine, and the running job.

    Args:
        work: Makes, checks and restores backups.
    """

    def __init__(self, work: BackupWork) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._job: BackupJob | None = None
        self._is_cancelled = False
        self._rows: dict[tuple[str, int, int], BackupRow] = {}

    def backups(self) -> Backups:
        """Return all backups, newest first, the room for an upload, and the job."""
        rows = sorted(
            (self._make_row(path) for path in self._backup_files()), key=lambda row: row.written_ns, reverse=True
        )
        return Backups(folder=str(self._work.folder), backups=rows, most_octets=self._free_bytes(), job=self._job)

    def path(self, name: str) -> Path | None:
        """Return a backup's file; None if there is none of this name."""
        return next((path for path in self._backup_files() if path.name == name), None)

    def make(self) -> BackupJob:
        """Start making a backup.

        Raises:
            UnavailableError: Another job is running.
        """
        target = self._work.folder / f"crampwatch-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{_SUFFIX}"

        def make(progress: Progress) -> None:
            self._work.make(target, progress)

        return self._start_job("make", target.name, make)

    def check(self, path: Path) -> BackupJob:
        """Start checking a backup.

        Raises:
            UnavailableError: Another job is running.
        """
        return self._start_job("check", path.name, lambda progress: self._work.check(path, progress))

    def restore(self, path: Path) -> BackupJob:
        """Start restoring the recordings that are missing here.

        Raises:
            UnavailableError: Another job is running.
        """
        return self._start_job("restore", path.name, lambda progress: self._work.restore(path, progress))

    def cancel(self) -> bool:
        """Cancel the running job, or clear the last one; return whether there was any."""
        with self._lock:
            job, self._is_cancelled = self._job, True
            if job is not None and job.state != "running":
                self._job = None
        return job is not None

    def delete(self, name: str) -> bool:
        """Remove a backup; return whether there was one of this name.

        Raises:
            UnavailableError: A job is using it, or it cannot be removed.
        """
        path = self.path(name)
        if path is None:
            return False
        with self._lock:
            if self._job is not None and self._job.state == "running" and self._job.backup == name:
                raise UnavailableError(
                    "This backup is in use.", advice="Wait for the job to finish, or cancel it.", code="backup_busy"
                )
            try:
                path.unlink()
            except OSError as error:
                raise UnavailableError(
                    f"{path} cannot be removed: {error.strerror or error}.", code="not_written"
                ) from error
        return True

    @contextlib.contextmanager
    def receive_upload(self) -> Iterator["Upload"]:
        """Receive a backup made elsewhere; stored at the end if its first file lists the contents of a backup.

        Raises:
            RecordingError: It is not a crampwatch backup.
            UnavailableError: It cannot be written.
        """
        target = self._work.folder / f"received-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}{_SUFFIX}"
        draft = target.with_name(f".crampwatch-{target.name}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield Upload(file, target.name, self._free_bytes())
                file.flush()
                os.fsync(file.fileno())
            self._work.sessions(draft)
            draft.rename(target)
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written: {error.strerror or error}.", code="not_written"
            ) from error
        except RecordingError as error:
            raise RecordingError(str(error).replace(str(draft), "The uploaded file"), code=error.code) from error
        finally:
            draft.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove files that an interrupted job left behind."""
        self._work.remove_leftovers()

    def close(self) -> None:
        """Cancel the running job."""
        self._is_cancelled = True

    def _backup_files(self) -> list[Path]:
        return [path for path in self._work.folder.glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.name) and path.is_file()]

    def _make_row(self, path: Path) -> BackupRow:
        """Return a backup's row; its archive is opened only if the file has changed."""
        status = path.stat()
        key = (path.name, status.st_mtime_ns, status.st_size)
        if key not in self._rows:
            self._rows[key] = self._read_row(path, status)
        return self._rows[key]

    def _read_row(self, path: Path, status: os.stat_result) -> BackupRow:
        row = BackupRow(id=path.name, written_ns=status.st_mtime_ns, size_octets=status.st_size)
        try:
            return msgspec.structs.replace(row, sessions=self._work.sessions(path))
        except CrampwatchError as error:
            return msgspec.structs.replace(row, problem=str(error), code=error.code)

    def _free_bytes(self) -> int:
        folder = self._work.folder
        with contextlib.suppress(OSError):
            return max(0, shutil.disk_usage(folder if folder.exists() else folder.parent).free - _RESERVED_BYTES)
        return 0

    def _start_job(self, kind: JobKind, name: str, do: Callable[[Progress], BackupFindings | None]) -> BackupJob:
        with self._lock:
            if self._job is not None and self._job.state == "running":
                raise UnavailableError(
                    "Another backup job is running.", advice="Wait until it has finished.", code="backup_busy"
                )
            self._is_cancelled = False
            self._job = job = BackupJob(work=kind, backup=name, state="running")
        threading.Thread(target=self._run_job, args=(job, do), name=f"backup {kind}", daemon=True).start()
        return job

    def _run_job(self, job: BackupJob, do: Callable[[Progress], BackupFindings | None]) -> None:
        def progress(done: int, total: int | None) -> None:
            if self._is_cancelled:
                raise _CancelledError
            self._job = msgspec.structs.replace(job, done=done, total=total)

        started_s = time.monotonic()
        state, findings, problem = "done", None, ""
        code: ProblemCode | None = None
        try:
            findings = do(progress)
        except _CancelledError:
            state = "cancelled"
        except CrampwatchError as error:
            state, problem, code = "failed", str(error), error.code
        except Exception:  # noqa: BLE001 - end of a thread: otherwise the page would wait forever
            _log.exception("%s of a backup failed unexpectedly", job.work)
            state, problem, code = "failed", UNEXPECTED, "unexpected"
        with self._lock:
            ended = msgspec.structs.replace(self._job or job, state=state, findings=findings, error=problem, code=code)
            self._job = ended
        _log.info("%s of %s: %s after %.1f s", job.work, job.backup, ended.state, time.monotonic() - started_s)


class Upload:
    """A backup that is being uploaded.

    Attributes:
        name: Name it will be stored under.
        max_bytes: Largest size there is room for.
    """

    def __init__(self, file: BinaryIO, name: str, max_bytes: int) -> None:
        self.name = name
        self.max_bytes = max_bytes
        self._file = file
        self._received_bytes = 0

    def write(self, chunk: bytes) -> bool:
        """Write the next chunk; return False, without writing, if the upload gets larger than allowed."""
        self._received_bytes += len(chunk)
        if self._received_bytes > self.max_bytes:
            return False
        self._file.write(chunk)
        return True
