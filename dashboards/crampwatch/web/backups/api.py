"""The HTTP side of backups: list, make, fetch, send, check, bring back, remove."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.web.backups.jobs import BackupJobs, Received
from crampwatch.web.http.openapi import Operation, RefusedError, answer
from crampwatch.web.sessions.schema import BackupJob, Backups
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

__all__ = ["BackupsApi"]

_ID: Final = (("backup", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.tar\.gz"),)
_OCTETS: Final = "application/gzip"
_PIECE_OCTETS: Final = 1 << 20


class BackupsApi:
    """Answers for backups.

    Args:
        shelf: Where they lie.
    """

    def __init__(self, shelf: BackupJobs) -> None:
        self._shelf = shelf

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        backups, work = "/api/v1/backups", "/api/v1/backup-work"
        one = f"{backups}/{{backup}}"
        begun: dict[str, Any] = {"result": BackupJob, "status": 202, "refusals": (404, 409)}
        return [
            Operation("GET", backups, self.rows, "All backups, and the work on them", result=Backups, refusals=()),
            Operation("POST", backups, self.make, "Begin a backup; ask until it is done", **begun),
            Operation(
                "POST",
                f"{backups}/received",
                self.receive,
                "Keep a backup that was made elsewhere",
                takes="application/octet-stream",
                status=201,
                refusals=(400, 409, 413),
                result=Backups,
            ),
            Operation(
                "GET", f"{one}/file", self.file, "A backup itself; holds secrets", _ID, media=_OCTETS, result=bytes
            ),
            Operation("POST", f"{one}/check", self.check, "Begin to read all of it, changing nothing", _ID, **begun),
            Operation(
                "POST", f"{one}/restore", self.restore, "Begin to add the recordings that are not here", _ID, **begun
            ),
            Operation("DELETE", one, self.delete, "Remove a backup for good", _ID, status=204, refusals=(404, 409)),
            Operation("DELETE", work, self.cancel, "Cancel the work, or forget the last", status=204, refusals=(404,)),
        ]

    async def rows(self, _request: Request) -> Response:
        """All backups."""
        return answer(await run_in_threadpool(self._shelf.rows))

    async def make(self, _request: Request) -> Response:
        """Begin a backup."""
        try:
            return answer(self._shelf.make(), status=202)
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error

    async def file(self, request: Request) -> Response:
        """A backup itself."""
        path = await run_in_threadpool(self._shelf.path, request.path_params["backup"])
        if path is None:
            raise RefusedError(404, "There is no such backup.")
        return FileResponse(path, filename=path.name, media_type=_OCTETS)

    async def check(self, request: Request) -> Response:
        """Begin to check a backup."""
        return await self._begin(request, self._shelf.check)

    async def restore(self, request: Request) -> Response:
        """Begin to bring back what is not here."""
        return await self._begin(request, self._shelf.restore)

    async def delete(self, request: Request) -> Response:
        """Remove a backup."""
        try:
            was_there = await run_in_threadpool(self._shelf.delete, request.path_params["backup"])
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error
        if not was_there:
            raise RefusedError(404, "There is no such backup.")
        return Response(status_code=204)

    async def cancel(self, _request: Request) -> Response:
        """Cancel what is under way."""
        if not self._shelf.cancel():
            raise RefusedError(404, "Nothing is under way.")
        return Response(status_code=204)

    async def receive(self, request: Request) -> Response:
        """Keep a backup that was made elsewhere, if it is one."""
        try:
            with self._shelf.receiving() as received:
                await _take(request, received)
        except RecordingError as error:
            raise RefusedError(400, str(error), error.code) from error
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error
        except ClientDisconnect as error:
            raise RefusedError(400, "The file was not sent to its end.") from error
        return answer(await run_in_threadpool(self._shelf.rows), status=201)

    async def _begin(self, request: Request, begin: Callable[[Path], BackupJob]) -> Response:
        path = await run_in_threadpool(self._shelf.path, request.path_params["backup"])
        if path is None:
            raise RefusedError(404, "There is no such backup.")
        try:
            return answer(begin(path), status=202)
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error


async def _take(request: Request, received: Received) -> None:
    """Write what is sent by large pieces: each takes a turn of a thread."""
    waiting = bytearray()
    async for piece in request.stream():
        waiting += piece
        if len(waiting) >= _PIECE_OCTETS:
            await _write(received, waiting)
    await _write(received, waiting)


async def _write(received: Received, waiting: bytearray) -> None:
    piece = bytes(waiting)
    waiting.clear()
    if not await run_in_threadpool(received.take, piece):
        raise RefusedError(413, f"There is room for {received.most_octets / 1e6:.0f} MB; free some space first.")
