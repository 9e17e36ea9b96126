"""JSON of `/api/v1/sessions`, `/api/v1/exports` and `/api/v1/replay`. Times ending in `_ns` are UTC nanoseconds."""

from typing import Annotated, Literal

from crampwatch.protocol.kinds import Origin
from crampwatch.web.http.openapi import ProblemCode
from msgspec import Meta, Struct

__all__ = [
    "ExportFormat",
    "ExportJob",
    "ExportRequest",
    "ReplayRequest",
    "ReplayState",
    "SessionList",
    "SessionRow",
    "SessionState",
]

ExportFormat = Literal["edf", "bdf", "parquet", "csv", "npz"]
SessionState = Literal["ended", "recording", "cut_short", "unreadable", "deleted"]


class SessionRow(Struct, frozen=True, kw_only=True):
    """A recording.

    Attributes:
        id: Name of its file without the suffix.
        night: Name of the night it belongs to; null if it cannot be read.
        sensors: Ids of its sensors.
        recorded_s: Time during which at least one sensor had samples; null until it has been read.
        problem: Why it cannot be read, in English; empty if it can.
        purged_ns: When a deleted recording is removed permanently; null for others.
    """

    id: str
    night: str | None
    origin: Origin | None
    from_ns: int
    to_ns: int
    utc_offset_s: int
    size_octets: int
    sensors: list[str]
    state: SessionState
    recorded_s: float | None = None
    problem: str = ""
    purged_ns: int | None = None


class SessionList(Struct, frozen=True, kw_only=True):
    """All recordings, newest first, and what can be done with them.

    Attributes:
        free_octets: Free bytes on their disk; null if unknown.
        formats: Formats they can be exported to; empty if exporting is not offered.
        can_replay: Whether this browser may start a replay.
    """

    sessions: list[SessionRow]
    free_octets: int | None
    formats: list[ExportFormat]
    can_replay: bool


class ExportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Format to export a recording to, and which sensor; null for the only one."""

    format: ExportFormat
    sensor: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


class ExportJob(Struct, frozen=True, kw_only=True):
    """An export, running or finished.

    Attributes:
        done: Number of samples written.
        total: Number of samples to write; null if unknown.
        file: Name of the exported file.
        size_octets: Its size in bytes; 0 until it is done.
        annotations: Name of the file with the episodes, if the format cannot hold them; else empty.
        error: Why it failed, in English; empty otherwise.
        code: Why it failed, for other languages; null if there is no code for it.
    """

    id: str
    session: str
    format: ExportFormat
    state: Literal["running", "done", "failed", "cancelled"]
    done: int
    total: int | None
    file: str
    size_octets: int
    annotations: str = ""
    error: str = ""
    code: ProblemCode | None = None


class ReplayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Speed of a replay: 1 is real time."""

    speed: Annotated[float, Meta(ge=1, le=100)] = 1.0


class ReplayState(Struct, frozen=True, kw_only=True):
    """A replay; there is one at a time.

    Attributes:
        session: Name of the recording's file without the suffix; empty if there was no replay.
        url: Address of the page that shows it; empty until that is ready.
        error: Why it failed; empty otherwise.
    """

    state: Literal["none", "starting", "running", "ended"]
    session: str = ""
    url: str = ""
    error: str = ""
