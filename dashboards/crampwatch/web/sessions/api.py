"""The HTTP side of recordings: list, delete and take back, export, replay."""

from typing import Final

from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.http.openapi import Operation, RefusedError, answer, read_body
from crampwatch.web.sessions.exports import Exports
from crampwatch.web.sessions.replay import Replay
from crampwatch.web.sessions.schema import ExportJob, ExportRequest, ReplayRequest, ReplayState, SessionList
from crampwatch.web.sessions.trash import Shelf
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

__all__ = ["SessionsApi"]

_FORMATS: Final = ("edf", "bdf", "parquet", "csv", "npz")
_ID: Final = (("session", r"[A-Za-z0-9_.-]{1,120}"),)
_JOB: Final = (("job", r"[0-9a-f]{16}"),)


class SessionsApi:
    """Answers for recordings.

    Args:
        shelf: Where they lie.
        exports: None: nothing can be exported.
        replay: None: nothing can be played.
    """

    def __init__(self, shelf: Shelf, exports: Exports | None, replay: Replay | None) -> None:
        self._shelf = shelf
        self._exports = exports
        self._replay = replay

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        sessions, exports = "/api/v1/sessions", "/api/v1/exports"
        one = f"{sessions}/{{session}}"
        job = f"{exports}/{{job}}"
        return [
            Operation(
                "GET", sessions, self.sessions, "All recordings, deleted ones too", result=SessionList, refusals=()
            ),
            Operation(
                "DELETE", one, self.delete, "Put a recording aside", _ID, status=204, refusals=(404, 409), result=None
            ),
            Operation("POST", f"{one}/restore", self.restore, "Take it back", _ID, status=204, refusals=(404, 409)),
            Operation("GET", f"{one}/file", self.file, "The recording itself", _ID, media=_OCTETS, result=bytes),
            Operation(
                "POST",
                f"{one}/exports",
                self.export,
                "Begin an export; ask for the job until it is done",
                _ID,
                body=ExportRequest,
                result=ExportJob,
                status=202,
                refusals=(400, 404, 409),
            ),
            Operation("GET", exports, self.jobs, "Exports of the last hour", result=list[ExportJob], refusals=()),
            Operation("GET", job, self.job, "How far an export is", _JOB, result=ExportJob, refusals=(404,)),
            Operation(
                "DELETE", job, self.drop, "Cancel an export, or remove its file", _JOB, status=204, refusals=(404,)
            ),
            Operation("GET", f"{job}/file", self.exported, "What was exported", _JOB, media=_OCTETS, result=bytes),
            Operation(
                "GET", f"{job}/annotations", self.annotations, "Its episodes", _JOB, media="text/csv", result=bytes
            ),
            Operation("GET", "/api/v1/replay", self.replaying, "The present replay", result=ReplayState, refusals=()),
            Operation(
                "POST",
                f"{one}/replay",
                self.play,
                "Play a recording through a pipeline of its own",
                _ID,
                body=ReplayRequest,
                result=ReplayState,
                status=202,
                refusals=(400, 404, 409),
            ),
            Operation("DELETE", "/api/v1/replay", self.end_replay, "End the replay", status=204, refusals=()),
        ]

    async def sessions(self, request: Request) -> Response:
        """All recordings."""
        rows = await run_in_threadpool(self._shelf.rows)
        free = await run_in_threadpool(self._shelf.free_octets)
        return answer(
            SessionList(
                sessions=rows,
                free_octets=free,
                formats=list(_FORMATS) if self._exports is not None else [],
                can_replay=self._replay is not None and _is_here(request),
            )
        )

    async def delete(self, request: Request) -> Response:
        """Put a recording aside; it can be taken back for a month."""
        try:
            was_there = await run_in_threadpool(self._shelf.delete, request.path_params["session"])
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error
        return _done_if(was_there)

    async def restore(self, request: Request) -> Response:
        """Take a deleted recording back."""
        try:
            was_there = await run_in_threadpool(self._shelf.restore, request.path_params["session"])
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error
        return _done_if(was_there)

    async def file(self, request: Request) -> Response:
        """The recording itself, as a backup."""
        path = await run_in_threadpool(self._shelf.path, request.path_params["session"])
        if path is None or path.with_name(path.name + "-wal").exists():
            raise RefusedError(404, "There is no such recording that has ended.")
        return FileResponse(path, filename=path.name, media_type=_OCTETS)

    async def export(self, request: Request) -> Response:
        """Begin an export."""
        wish: ExportRequest = await read_body(request, ExportRequest)
        path = await run_in_threadpool(self._shelf.path, request.path_params["session"])
        if path is None or self._exports is None:
            raise RefusedError(404, "There is no such recording.")
        try:
            job = await run_in_threadpool(self._exports.start, path, wish.format, wish.sensor)
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error
        return answer(job, status=202)

    async def jobs(self, _request: Request) -> Response:
        """Exports of the last hour."""
        return answer([] if self._exports is None else await run_in_threadpool(self._exports.jobs))

    async def job(self, request: Request) -> Response:
        """How far an export is."""
        job = None if self._exports is None else self._exports.job(request.path_params["job"])
        if job is None:
            raise RefusedError(404, "There is no such export.")
        return answer(job)

    async def drop(self, request: Request) -> Response:
        """Cancel an export, or remove its file."""
        if self._exports is None:
            return _done_if(False)
        return _done_if(await run_in_threadpool(self._exports.drop, request.path_params["job"]))

    async def exported(self, request: Request) -> Response:
        """What was exported."""
        path = None if self._exports is None else self._exports.file(request.path_params["job"])
        if path is None:
            raise RefusedError(404, "There is no such export, or it is not done.")
        return FileResponse(path, filename=path.name, media_type=_OCTETS)

    async def annotations(self, request: Request) -> Response:
        """The episodes of an export whose format has no place for them."""
        path = None if self._exports is None else self._exports.annotations(request.path_params["job"])
        if path is None:
            raise RefusedError(404, "There is no such export, or nothing beside it.")
        return FileResponse(path, filename=path.name, media_type="text/csv")

    async def replaying(self, _request: Request) -> Response:
        """The present replay."""
        return answer(ReplayState(state="none") if self._replay is None else self._replay.state)

    async def play(self, request: Request) -> Response:
        """Play a recording; another replay is ended first."""
        wish: ReplayRequest = await read_body(request, ReplayRequest)
        path = await run_in_threadpool(self._shelf.path, request.path_params["session"])
        if path is None or self._replay is None or not _is_here(request):
            raise RefusedError(404, "There is no such recording, or it cannot be played from here.")
        try:
            return answer(await run_in_threadpool(self._replay.start, path, wish.speed), status=202)
        except UnavailableError as error:
            raise RefusedError(409, str(error), error.code) from error

    async def end_replay(self, _request: Request) -> Response:
        """End the replay; without one nothing happens."""
        if self._replay is not None:
            await run_in_threadpool(self._replay.stop)
        return Response(status_code=204)


_OCTETS: Final = "application/octet-stream"


def _done_if(was_there: bool) -> Response:
    if not was_there:
        raise RefusedError(404, "There is no such thing.")
    return Response(status_code=204)


def _is_here(request: Request) -> bool:
    """Whether the browser runs on this machine: the page of a replay listens here only."""
    return request.client is not None and request.client.host in ("127.0.0.1", "::1")
