"""HTTP operations of backups: list, make, upload, download, check, restore, remove."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from crampwatch.protocol.errors import RecordingError
from crampwatch.web.backups.jobs import BackupJobs, Upload
from crampwatch.web.backups.schema import BackupJob, Backups
from crampwatch.web.http.openapi import Operation, RefusedError, conflict_if_unavailable, json_response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

__all__ = ["BackupsApi"]

_BACKUP: Final = (("backup", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.tar\.gz"),)
_GZIP: Final = "application/gzip"
_CHUNK_BYTES: Final = 1 << 20
"""An upload is written in chunks of this size: each write takes a turn in a thread."""


class BackupsApi:
    """Handlers for backups.

    Args:
        jobs: The backups, and the work on them.
    """

    def __init__(self, jobs: BackupJobs) -> None:
        self._jobs = jobs

    def operations(self) -> list[Operation]:
        """Return the operations of backups."""
        root, job = "/api/v1/backups", "/api/v1/backup-work"
        backup = f"{root}/{{backup}}"
        started: dict[str, Any] = {"result": BackupJob, "status": 202, "refusals": (404, 409)}
        return [
            Operation("GET", root, self.list_backups, "All backups, and the job on them", result=Backups, refusals=()),
            Operation("POST", root, self.make_backup, "Start a backup; poll until it is done", **started),
            Operation(
                "POST",
                f"{root}/received",
                self.upload_backup,
                "Upload a backup made elsewhere",
                upload_media="application/octet-stream",
                status=201,
                refusals=(400, 409, 413),
                result=Backups,
            ),
            Operation(
                "GET",
                f"{backup}/file",
                self.download_backup,
                "Download a backup; it contains secrets",
                _BACKUP,
                media=_GZIP,
                result=bytes,
            ),
            Operation(
                "POST",
                f"{backup}/check",
                self.check_backup,
                "Start reading all of it; changes nothing",
                _BACKUP,
                **started,
            ),
            Operation(
                "POST",
                f"{backup}/restore",
                self.restore_backup,
                "Start adding the recordings that are missing here",
                _BACKUP,
                **started,
            ),
            Operation(
                "DELETE",
                backup,
                self.delete_backup,
                "Remove a backup permanently",
                _BACKUP,
                status=204,
                refusals=(404, 409),
            ),
            Operation(
                "DELETE", job, self.cancel_job, "Cancel the job, or clear the last one", status=204, refusals=(404,)
            ),
        ]

    async def list_backups(self, _request: Request) -> Response:
        """Return all backups."""
        return json_response(await run_in_threadpool(self._jobs.backups))

    async def make_backup(self, _request: Request) -> Response:
        """Start a backup."""
        with conflict_if_unavailable():
            return json_response(self._jobs.make(), status=202)

    async def download_backup(self, request: Request) -> Response:
        """Send a backup's file."""
        path = await self._find_backup(request)
        return FileResponse(path, filename=path.name, media_type=_GZIP)

    async def check_backup(self, request: Request) -> Response:
        """Start checking a backup."""
        return await self._start_job(request, self._jobs.check)

    async def restore_backup(self, request: Request) -> Response:
        """Start restoring the recordings that are missing here."""
        return await self._start_job(request, self._jobs.restore)

    async def delete_backup(self, request: Request) -> Response:
        """Remove a backup."""
        with conflict_if_unavailable():
            was_there = await run_in_threadpool(self._jobs.delete, request.path_params["backup"])
        if not was_there:
            raise RefusedError(404, "There is no such backup.")
        return Response(status_code=204)

    async def cancel_job(self, _request: Request) -> Response:
        """Cancel the running job, or clear the last one."""
        if not self._jobs.cancel():
            raise RefusedError(404, "There is no job to cancel.")
        return Response(status_code=204)

    async def upload_backup(self, request: Request) -> Response:
        """Store a backup made elsewhere, if it is one."""
        try:
            with conflict_if_unavailable(), self._jobs.receive_upload() as upload:
                await _write_body(request, upload)
        except RecordingError as error:
            raise RefusedError(400, str(error), error.code) from error
        except ClientDisconnect as error:
            raise RefusedError(400, "The upload was interrupted.") from error
        return json_response(await run_in_threadpool(self._jobs.backups), status=201)

    async def _find_backup(self, request: Request) -> Path:
        path = await run_in_threadpool(self._jobs.path, request.path_params["backup"])
        if path is None:
            raise RefusedError(404, "There is no such backup.")
        return path

    async def _start_job(self, request: Request, start: Callable[[Path], BackupJob]) -> Response:
        path = await self._find_backup(request)
        with conflict_if_unavailable():
            return json_response(start(path), status=202)


async def _write_body(request: Request, upload: Upload) -> None:
    pending = bytearray()
    async for received in request.stream():
        pending += received
        if len(pending) >= _CHUNK_BYTES:
            await _write_chunk(upload, pending)
    await _write_chunk(upload, pending)


async def _write_chunk(upload: Upload, pending: bytearray) -> None:
    chunk = bytes(pending)
    pending.clear()
    if not await run_in_threadpool(upload.write, chunk):
        raise RefusedError(413, f"There is room for {upload.max_bytes / 1e6:.0f} MB; free some space first.")
