"""Exports in the background: with progress, to be cancelled, kept for a while to be fetched."""

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import CrampwatchError, UnavailableError
from crampwatch.web.http.openapi import ProblemCode
from crampwatch.web.sessions.schema import ExportFormat, ExportJob

__all__ = ["UNEXPECTED", "Export", "Exports", "Progress"]

UNEXPECTED: Final = "It failed unexpectedly; the log of the page's server tells how."

_MOST_JOBS: Final = 20
_KEPT_S: Final = 3600.0
Progress = Callable[[int, int | None], None]
Export = Callable[[Path, Path, str | None, Progress], int]
"""Writes a session to a file of a format its name tells; blocks."""
_log: Final = logging.getLogger(__name__)


class _CancelledError(Exception):
    """Somebody does not want it any more."""


@dataclass
class _Job:
    id: str
    session: str
    format: ExportFormat
    path: Path
    state: str = "running"
    done: int = 0
    total: int | None = None
    error: str = ""
    code: ProblemCode | None = None
    is_cancelled: bool = False
    begun_s: float = field(default_factory=time.monotonic)

    @property
    def beside(self) -> Path:
        """Where the annotations stand of a format that cannot hold them."""
        return self.path.with_name(f"{self.path.name}.annotations.csv")

    def told(self) -> ExportJob:
        is_done = self.state == "done"
        return ExportJob(
            id=self.id,
            session=self.session,
            format=self.format,
            state=self.state,  # type: ignore[arg-type] # one of the words
            done=self.done,
            total=self.total,
            file=self.path.name,
            size_octets=self.path.stat().st_size if is_done and self.path.exists() else 0,
            annotations=self.beside.name if is_done and self.beside.exists() else "",
            error=self.error,
            code=self.code,
        )


class Exports:
    """Jobs, each in a thread of its own, one after the other.

    Args:
        folder: Where files are written; emptied at the start.
        export: Writes them.
    """

    def __init__(self, folder: Path, export: Export) -> None:
        self._folder = folder
        self._export = export
        self._jobs: dict[str, _Job] = {}
        self._turn = threading.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    def start(self, session: Path, form: ExportFormat, sensor: str | None) -> ExportJob:
        """Begin a job.

        Raises:
            UnavailableError: There are too many, or the folder cannot be written to.
        """
        self._forget_old()
        if sum(job.state == "running" for job in self._jobs.values()) >= _MOST_JOBS:
            raise UnavailableError(
                "Too many exports are under way.", advice="Wait for one of them to end.", code="too_many_exports"
            )
        key = secrets.token_hex(8)
        place = self._folder / key
        try:
            place.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise UnavailableError(f"{place} cannot be written to: {error.strerror}.", code="not_written") from error
        name = f"{session.stem}{'-' + sensor if sensor else ''}.{form}"
        job = self._jobs[key] = _Job(key, session.stem, form, place / name)
        threading.Thread(target=self._run, args=(job, session, sensor), name=f"export {key}", daemon=True).start()
        return job.told()

    def jobs(self) -> list[ExportJob]:
        """Return all jobs, the newest first."""
        self._forget_old()
        return [job.told() for job in reversed(self._jobs.values())]

    def job(self, key: str) -> ExportJob | None:
        """Return a job; None where there is none."""
        job = self._jobs.get(key)
        return None if job is None else job.told()

    def file(self, key: str) -> Path | None:
        """Return what a job wrote; None where it has not."""
        job = self._jobs.get(key)
        return job.path if job is not None and job.state == "done" and job.path.exists() else None

    def annotations(self, key: str) -> Path | None:
        """Return the annotations beside what a job wrote; None where there are none."""
        job = self._jobs.get(key)
        return job.beside if job is not None and job.state == "done" and job.beside.exists() else None

    def drop(self, key: str) -> bool:
        """Cancel a job, or remove what it wrote; return whether there was one."""
        job = self._jobs.pop(key, None)
        if job is None:
            return False
        job.is_cancelled = True
        if job.state != "running":
            shutil.rmtree(job.path.parent, ignore_errors=True)
        return True

    def close(self) -> None:
        """Cancel all, and remove what was written."""
        for key in list(self._jobs):
            self.drop(key)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, job: _Job, session: Path, sensor: str | None) -> None:
        def progress(done: int, total: int | None) -> None:
            if job.is_cancelled:
                raise _CancelledError
            job.done, job.total = done, total

        with self._turn:
            try:
                progress(0, None)
                self._export(session, job.path, sensor, progress)
                job.state = "done"
            except _CancelledError:
                job.state = "cancelled"
            except CrampwatchError as error:
                job.state, job.error, job.code = "failed", str(error), error.code
            except Exception:  # noqa: BLE001 - the end of a thread: else the page would wait for ever
                _log.exception("an export failed unexpectedly")
                job.state, job.error, job.code = "failed", UNEXPECTED, "unexpected"
        if job.is_cancelled or job.state != "done":
            shutil.rmtree(job.path.parent, ignore_errors=True)

    def _forget_old(self) -> None:
        now_s = time.monotonic()
        ended = [key for key, job in self._jobs.items() if job.state != "running"]
        old = [key for key in ended if now_s - self._jobs[key].begun_s > _KEPT_S]
        for key in dict.fromkeys([*old, *ended[: max(0, len(ended) - _MOST_JOBS)]]):
            self.drop(key)
