"""Exports in the background: with progress, cancellable, and kept for an hour to be downloaded."""

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.web.http.openapi import ProblemCode
from crampwatch.web.sessions.schema import ExportFormat, ExportJob

__all__ = ["UNEXPECTED", "Export", "Exports", "Progress"]

UNEXPECTED: Final = "An unexpected error; see the log of the page's server."
_MAX_JOBS: Final = 20
"""Bounds disk space and threads; a person exports one recording after the other."""
_RETENTION_S: Final = 3600.0
"""Exported files are removed this long after the export was started."""
Progress = Callable[[int, int | None], None]
Export = Callable[[Path, Path, str | None, Progress], int]
"""Writes a session to a file (path, target, sensor, progress) in the format of the target's suffix; blocks."""
_log: Final = logging.getLogger(__name__)


class _CancelledError(Exception):
    """The job was cancelled."""


@dataclass
class _Job:
    id: str
    session: str
    format: ExportFormat
    path: Path
    started_s: float
    state: str = "running"
    done: int = 0
    total: int | None = None
    error: str = ""
    code: ProblemCode | None = None
    is_cancelled: bool = False

    @property
    def annotations_path(self) -> Path:
        """File with the annotations, if the format cannot hold them."""
        return self.path.with_name(f"{self.path.name}.annotations.csv")

    def to_message(self) -> ExportJob:
        is_done = self.state == "done"
        return ExportJob(
            id=self.id,
            session=self.session,
            format=self.format,
            state=self.state,  # type: ignore[arg-type] # one of the states
            done=self.done,
            total=self.total,
            file=self.path.name,
            size_octets=self.path.stat().st_size if is_done and self.path.exists() else 0,
            annotations=self.annotations_path.name if is_done and self.annotations_path.exists() else "",
            error=self.error,
            code=self.code,
        )


class Exports:
    """Export jobs; each has a thread, but only one works at a time.

    Args:
        folder: Folder for exported files; emptied at start.
        export: Writes a file.
        clock: Returns monotonic seconds.
    """

    def __init__(self, folder: Path, export: Export, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._export = export
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._working = threading.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    def start(self, session: Path, export_format: ExportFormat, sensor: str | None) -> ExportJob:
        """Start a job.

        Raises:
            UnavailableError: There are too many, or the folder cannot be written.
        """
        self._remove_old()
        if sum(job.state == "running" for job in self._jobs.values()) >= _MAX_JOBS:
            raise UnavailableError(
                "Too many exports are running.", advice="Wait until one of them has finished.", code="too_many_exports"
            )
        key = secrets.token_hex(8)
        folder = self._folder / key
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise UnavailableError(f"{folder} cannot be created: {error.strerror}.", code="not_written") from error
        name = f"{session.stem}{'-' + sensor if sensor else ''}.{export_format}"
        job = self._jobs[key] = _Job(key, session.stem, export_format, folder / name, self._clock())
        threading.Thread(target=self._run_job, args=(job, session, sensor), name=f"export {key}", daemon=True).start()
        return job.to_message()

    def jobs(self) -> list[ExportJob]:
        """Return all jobs, newest first."""
        self._remove_old()
        return [job.to_message() for job in reversed(self._jobs.values())]

    def job(self, key: str) -> ExportJob | None:
        """Return a job; None if there is none of this id."""
        job = self._jobs.get(key)
        return None if job is None else job.to_message()

    def file(self, key: str) -> Path | None:
        """Return the exported file; None if the job is not done."""
        job = self._jobs.get(key)
        return job.path if job is not None and job.state == "done" and job.path.exists() else None

    def annotations(self, key: str) -> Path | None:
        """Return the file with the annotations; None if there is none."""
        job = self._jobs.get(key)
        return (
            job.annotations_path if job is not None and job.state == "done" and job.annotations_path.exists() else None
        )

    def drop(self, key: str) -> bool:
        """Cancel a job, or remove its file; return whether there was one of this id."""
        job = self._jobs.pop(key, None)
        if job is None:
            return False
        job.is_cancelled = True
        if job.state != "running":
            shutil.rmtree(job.path.parent, ignore_errors=True)
        return True

    def close(self) -> None:
        """Cancel all jobs, and remove all files."""
        for key in list(self._jobs):
            self.drop(key)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run_job(self, job: _Job, session: Path, sensor: str | None) -> None:
        def progress(done: int, total: int | None) -> None:
            if job.is_cancelled:
                raise _CancelledError
            job.done, job.total = done, total

        with self._working:
            try:
                progress(0, None)
                self._export(session, job.path, sensor, progress)
                job.state = "done"
            except _CancelledError:
                job.state = "cancelled"
            except CrampwatchError as error:
                job.state, job.error, job.code = "failed", str(error), error.code
            except Exception:  # noqa: BLE001 - end of a thread: otherwise the page would wait forever
                _log.exception("an export failed unexpectedly")
                job.state, job.error, job.code = "failed", UNEXPECTED, "unexpected"
        if job.is_cancelled or job.state != "done":
            shutil.rmtree(job.path.parent, ignore_errors=True)

    def _remove_old(self) -> None:
        now_s = self._clock()
        ended = [key for key, job in self._jobs.items() if job.state != "running"]
        old = [key for key in ended if now_s - self._jobs[key].started_s > _RETENTION_S]
        for key in dict.fromkeys([*old, *ended[: max(0, len(ended) - _MAX_JOBS)]]):
            self.drop(key)
