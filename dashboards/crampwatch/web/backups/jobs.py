"""Backups from the page: made, checked and brought back in the background, one at a time. Calls block."""

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
from crampwatch.web.http.openapi import ProblemCode
from crampwatch.web.sessions.exports import UNEXPECTED, Progress
from crampwatch.web.sessions.schema import BackupFindings, BackupJob, BackupRow, Backups

__all__ = ["BackupJobs", "BackupWork", "Received"]

_SUFFIX: Final = ".tar.gz"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.tar\.gz")
_RESERVE_OCTETS: Final = 500_000_000
"""Of the disk, never filled by what is sent to us: three nights of two channels."""
_log: Final = logging.getLogger(__name__)
Work = Literal["make", "check", "restore"]


class BackupWork(Protocol):
    """Does the work; all raise CrampwatchError where it cannot be done. What a progress raises ends it."""

    @property
    def place(self) -> Path:
        """Where backups lie."""

    def make(self, target: Path, progress: Progress) -> None:
        """Copy all that is kept into an archive, which appears when it is whole."""

    def sessions(self, source: Path) -> int:
        """Return how many recordings an archive says it holds."""

    def check(self, source: Path, progress: Progress) -> BackupFindings:
        """Read all of an archive."""

    def restore(self, source: Path, progress: Progress) -> BackupFindings:
        """Add what is not here; change and remove nothing."""

    def remove_leftovers(self) -> None:
        """Remove what was left by work that was cut short."""


class _CancelledError(Exception):
    """Somebody does not want it any more."""


class BackupJobs:
    """The backups of a machine, and the work on them.

    Args:
        work: Does it.
    """

    def __init__(self, work: BackupWork) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._job: BackupJob | None = None
        self._is_cancelled = False
        self._known: dict[tuple[str, int, int], BackupRow] = {}

    def rows(self) -> Backups:
        """Return what there is."""
        rows = sorted((self._row(path) for path in self._files()), key=lambda row: row.written_ns, reverse=True)
        return Backups(folder=str(self._work.place), backups=rows, most_octets=self._room(), job=self._job)

    def path(self, name: str) -> Path | None:
        """Return a backup's file; None where there is none."""
        return next((path for path in self._files() if path.name == name), None)

    def make(self) -> BackupJob:
        """Begin a backup.

        Raises:
            UnavailableError: Other work is under way.
        """
        target = self._work.place / f"crampwatch-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{_SUFFIX}"

        def make(progress: Progress) -> None:
            self._work.make(target, progress)

        return self._begin("make", target.name, make)

    def check(self, path: Path) -> BackupJob:
        """Begin to check a backup.

        Raises:
            UnavailableError: Other work is under way.
        """
        return self._begin("check", path.name, lambda progress: self._work.check(path, progress))

    def restore(self, path: Path) -> BackupJob:
        """Begin to bring back what is not here.

        Raises:
            UnavailableError: Other work is under way.
        """
        return self._begin("restore", path.name, lambda progress: self._work.restore(path, progress))

    def cancel(self) -> bool:
        """Cancel the work under way, or forget the last; return whether there was any."""
        with self._lock:
            job, self._is_cancelled = self._job, True
            if job is not None and job.state != "running":
                self._job = None
        return job is not None

    def delete(self, name: str) -> bool:
        """Remove a backup; return whether there was one.

        Raises:
            UnavailableError: It is being worked with, or cannot be removed.
        """
        path = self.path(name)
        if path is None:
            return False
        with self._lock:
            if self._job is not None and self._job.state == "running" and self._job.backup == name:
                raise UnavailableError(
                    "This backup is being worked with.", advice="Wait, or cancel that first.", code="backup_busy"
                )
            try:
                path.unlink()
            except OSError as error:
                raise UnavailableError(
                    f"{path} cannot be removed: {error.strerror or error}.", code="not_written"
                ) from error
        return True

    @contextlib.contextmanager
    def receiving(self) -> Iterator["Received"]:
        """Take a backup from elsewhere; it is kept if it begins like one of ours, else nothing is.

        Raises:
            RecordingError: It is no backup of ours.
            UnavailableError: It cannot be written.
        """
        target = self._work.place / f"received-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}{_SUFFIX}"
        draft = target.with_name(f".crampwatch-{target.name}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield Received(file, target.name, self._room())
                file.flush()
                os.fsync(file.fileno())
            self._work.sessions(draft)
            draft.rename(target)
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written: {error.strerror or error}.", code="not_written"
            ) from error
        except RecordingError as error:
            raise RecordingError(str(error).replace(str(draft), "What was sent"), code=error.code) from error
        finally:
            draft.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove what an earlier server left unfinished."""
        self._work.remove_leftovers()

    def close(self) -> None:
        """Cancel whatever is under way."""
        self._is_cancelled = True

    def _files(self) -> list[Path]:
        place = self._work.place
        return [path for path in place.glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.name) and path.is_file()]

    def _row(self, path: Path) -> BackupRow:
        status = path.stat()
        key = (path.name, status.st_mtime_ns, status.st_size)
        if key not in self._known:
            self._known[key] = self._looked_into(path, status)
        return self._known[key]

    def _looked_into(self, path: Path, status: os.stat_result) -> BackupRow:
        row = BackupRow(id=path.name, written_ns=status.st_mtime_ns, size_octets=status.st_size)
        try:
            return msgspec.structs.replace(row, sessions=self._work.sessions(path))
        except CrampwatchError as error:
            return msgspec.structs.replace(row, problem=str(error), code=error.code)

    def _room(self) -> int:
        place = self._work.place
        with contextlib.suppress(OSError):
            return max(0, shutil.disk_usage(place if place.exists() else place.parent).free - _RESERVE_OCTETS)
        return 0

    def _begin(self, work: Work, name: str, do: Callable[[Progress], BackupFindings | None]) -> BackupJob:
        with self._lock:
            if self._job is not None and self._job.state == "running":
                raise UnavailableError(
                    "Another backup is being worked with.", advice="Wait until that has ended.", code="backup_busy"
                )
            self._is_cancelled = False
            self._job = begun = BackupJob(work=work, backup=name, state="running")
        threading.Thread(target=self._run, args=(begun, do), name=f"backup {work}", daemon=True).start()
        return begun

    def _run(self, begun: BackupJob, do: Callable[[Progress], BackupFindings | None]) -> None:
        def progress(done: int, total: int | None) -> None:
            if self._is_cancelled:
                raise _CancelledError
            self._job = msgspec.structs.replace(begun, done=done, total=total)

        began_s = time.monotonic()
        state, findings, problem = "done", None, ""
        code: ProblemCode | None = None
        try:
            findings = do(progress)
        except _CancelledError:
            state = "cancelled"
        except CrampwatchError as error:
            state, problem, code = "failed", str(error), error.code
        except Exception:  # noqa: BLE001 - the end of a thread: else the page would wait for ever
            _log.exception("%s of a backup failed unexpectedly", begun.work)
            state, problem, code = "failed", UNEXPECTED, "unexpected"
        with self._lock:
            ended = msgspec.structs.replace(
                self._job or begun, state=state, findings=findings, error=problem, code=code
            )
            self._job = ended
        _log.info("%s of %s: %s after %.1f s", begun.work, begun.backup, ended.state, time.monotonic() - began_s)


class Received:
    """A backup that is being sent.

    Attributes:
        name: What it will be called.
        most_octets: What it may have.
    """

    def __init__(self, file: BinaryIO, name: str, most_octets: int) -> None:
        self.name = name
        self.most_octets = most_octets
        self._file = file
        self._octets = 0

    def take(self, piece: bytes) -> bool:
        """Write some more; return whether there may be as much."""
        self._octets += len(piece)
        if self._octets > self.most_octets:
            return False
        self._file.write(piece)
        return True
