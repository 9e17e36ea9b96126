"""HTTP operations of recordings: list, download, delete and restore, export, replay."""

from typing import Final

from crampwatch.web.http.openapi import Operation, RefusedError, conflict_if_unavailable, json_response, read_body
from crampwatch.web.sessions.exports import Exports
from crampwatch.web.sessions.replay import Replay
from crampwatch.web.sessions.repository import SessionRepository
from crampwatch.web.sessions.schema import ExportJob, ExportRequest, ReplayRequest, ReplayState, SessionList
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

__all__ = ["SessionsApi"]

_FORMATS: Final = ("edf", "bdf", "parquet", "csv", "npz")
_SESSION: Final = (("session", r"[A-Za-z0-9_.-]{1,120}"),)
_JOB: Final = (("job", r"[0-9a-f]{16}"),)
_BINARY: Final = "application/octet-stream"


class SessionsApi:
    """Handlers for recordings.

    Args:
        repository: Finds the recordings.
        exports: Runs exports; None if exporting is not offered.
        replay: Runs a replay; None if replaying is not offered.
    """

    def __init__(self, repository: SessionRepository, exports: Exports | None, replay: Replay | None) -> None:
        self._repository = repository
        self._exports = exports
        self._replay = replay

    def operations(self) -> list[Operation]:
        """Return the operations of recordings, exports and the replay."""
        return [*self._session_operations(), *self._export_operations(), *self._replay_operations()]

    def _session_operations(self) -> list[Operation]:
        root = "/api/v1/sessions"
        session = f"{root}/{{session}}"
        return [
            Operation(
                "GET",
                root,
                self.list_sessions,
                "All recordings, including deleted ones",
                result=SessionList,
                refusals=(),
            ),
            Operation(
                "DELETE",
                session,
                self.delete_session,
                "Delete a recording; it can be restored for 30 days",
                _SESSION,
                status=204,
                refusals=(404, 409),
            ),
            Operation(
                "POST",
                f"{session}/restore",
                self.restore_session,
                "Restore a deleted recording",
                _SESSION,
                status=204,
                refusals=(404, 409),
            ),
            Operation(
                "GET",
                f"{session}/file",
                self.download_session,
                "Download a session file",
                _SESSION,
                media=_BINARY,
                result=bytes,
            ),
        ]

    def _export_operations(self) -> list[Operation]:
        root = "/api/v1/exports"
        job = f"{root}/{{job}}"
        return [
            Operation(
                "POST",
                "/api/v1/sessions/{session}/exports",
                self.start_export,
                "Start an export; poll the job until it is done",
                _SESSION,
                body=ExportRequest,
                result=ExportJob,
                status=202,
                refusals=(400, 404, 409),
            ),
            Operation("GET", root, self.list_exports, "Exports of the last hour", result=list[ExportJob], refusals=()),
            Operation("GET", job, self.get_export, "Progress of an export", _JOB, result=ExportJob, refusals=(404,)),
            Operation(
                "DELETE",
                job,
                self.drop_export,
                "Cancel an export, or remove its file",
                _JOB,
                status=204,
                refusals=(404,),
            ),
            Operation(
                "GET",
                f"{job}/file",
                self.download_export,
                "Download the exported file",
                _JOB,
                media=_BINARY,
                result=bytes,
            ),
            Operation(
                "GET",
                f"{job}/annotations",
                self.download_annotations,
                "Download the episodes of an export whose format cannot hold them",
                _JOB,
                media="text/csv",
                result=bytes,
            ),
        ]

    def _replay_operations(self) -> list[Operation]:
        replay = "/api/v1/replay"
        return [
            Operation("GET", replay, self.get_replay, "State of the replay", result=ReplayState, refusals=()),
            Operation(
                "POST",
                "/api/v1/sessions/{session}/replay",
                self.start_replay,
                "Replay a recording through a separate pipeline; ends another replay",
                _SESSION,
                body=ReplayRequest,
                result=ReplayState,
                status=202,
                refusals=(400, 404, 409),
            ),
            Operation("DELETE", replay, self.end_replay, "End the replay", status=204, refusals=()),
        ]

    async def list_sessions(self, request: Request) -> Response:
        """Return all recordings."""
        rows = await run_in_threadpool(self._repository.rows)
        free = await run_in_threadpool(self._repository.free_bytes)
        return json_response(
            SessionList(
                sessions=rows,
                free_octets=free,
                formats=list(_FORMATS) if self._exports is not None else [],
                can_replay=self._replay is not None and _is_local(request),
            )
        )

    async def delete_session(self, request: Request) -> Response:
        """Delete a recording."""
        with conflict_if_unavailable():
            was_there = await run_in_threadpool(self._repository.delete, request.path_params["session"])
        return _no_content_if(was_there, "There is no such recording.")

    async def restore_session(self, request: Request) -> Response:
        """Restore a deleted recording."""
        with conflict_if_unavailable():
            was_there = await run_in_threadpool(self._repository.restore, request.path_params["session"])
        return _no_content_if(was_there, "There is no such deleted recording.")

    async def download_session(self, request: Request) -> Response:
        """Send a session file that is complete: one with a write-ahead log beside it is not."""
        path = await run_in_threadpool(self._repository.path, request.path_params["session"])
        if path is None or path.with_name(path.name + "-wal").exists():
            raise RefusedError(404, "There is no such recording that has ended.")
        return FileResponse(path, filename=path.name, media_type=_BINARY)

    async def start_export(self, request: Request) -> Response:
        """Start an export."""
        body: ExportRequest = await read_body(request, ExportRequest)
        path = await run_in_threadpool(self._repository.path, request.path_params["session"])
        if path is None or self._exports is None:
            raise RefusedError(404, "There is no such recording.")
        with conflict_if_unavailable():
            job = await run_in_threadpool(self._exports.start, path, body.format, body.sensor)
        return json_response(job, status=202)

    async def list_exports(self, _request: Request) -> Response:
        """Return the exports of the last hour."""
        return json_response([] if self._exports is None else await run_in_threadpool(self._exports.jobs))

    async def get_export(self, request: Request) -> Response:
        """Return the progress of an export."""
        job = None if self._exports is None else self._exports.job(request.path_params["job"])
        if job is None:
            raise RefusedError(404, "There is no such export.")
        return json_response(job)

    async def drop_export(self, request: Request) -> Response:
        """Cancel an export, or remove its file."""
        was_there = self._exports is not None and await run_in_threadpool(
            self._exports.drop, request.path_params["job"]
        )
        return _no_content_if(was_there, "There is no such export.")

    async def download_export(self, request: Request) -> Response:
        """Send the exported file."""
        path = None if self._exports is None else self._exports.file(request.path_params["job"])
        if path is None:
            raise RefusedError(404, "There is no such export, or it is not done.")
        return FileResponse(path, filename=path.name, media_type=_BINARY)

    async def download_annotations(self, request: Request) -> Response:
        """Send the episodes of an export whose format cannot hold them."""
        path = None if self._exports is None else self._exports.annotations(request.path_params["job"])
        if path is None:
            raise RefusedError(404, "There is no such export, or it has no separate annotations.")
        return FileResponse(path, filename=path.name, media_type="text/csv")

    async def get_replay(self, _request: Request) -> Response:
        """Return the state of the replay."""
        return json_response(ReplayState(state="none") if self._replay is None else self._replay.state)

    async def start_replay(self, request: Request) -> Response:
        """Replay a recording; another replay is ended first."""
        body: ReplayRequest = await read_body(request, ReplayRequest)
        path = await run_in_threadpool(self._repository.path, request.path_params["session"])
        if path is None or self._replay is None or not _is_local(request):
            raise RefusedError(404, "There is no such recording, or it cannot be replayed from here.")
        with conflict_if_unavailable():
            return json_response(await run_in_threadpool(self._replay.start, path, body.speed), status=202)

    async def end_replay(self, _request: Request) -> Response:
        """End the replay; without one, nothing happens."""
        if self._replay is not None:
            await run_in_threadpool(self._replay.stop)
        return Response(status_code=204)


def _no_content_if(was_there: bool, problem: str) -> Response:
    if not was_there:
        raise RefusedError(404, problem)
    return Response(status_code=204)


def _is_local(request: Request) -> bool:
    """Whether the browser runs on this machine: the page of a replay listens on loopback only."""
    return request.client is not None and request.client.host in ("127.0.0.1", "::1")
