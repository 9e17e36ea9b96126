"""What the page is told of recordings: the shapes behind `/api/v1/sessions` and `/api/v1/exports`."""

from typing import Annotated, Literal

from crampwatch.protocol.kinds import Origin
from msgspec import Meta, Struct

__all__ = [
    "ExportFormat",
    "ExportJob",
    "ExportWish",
    "ReplayState",
    "ReplayWish",
    "SessionList",
    "SessionRow",
    "SessionState",
]

ExportFormat = Literal["edf", "bdf", "parquet", "csv", "npz"]
SessionState = Literal["ended", "recording", "cut_short", "unreadable", "deleted"]


class SessionRow(Struct, frozen=True, kw_only=True):
    """A recording.

    Attributes:
        id: Of its file.
        night: The night it belongs to; null where it cannot be read.
        recorded_s: For how long any of its sensors had samples; null as long as that was not read.
        problem: Why it cannot be read; empty where it can.
        purged_ns: When a deleted one is removed for good; null for others.
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
    """All recordings, the newest first, and what can be done with them.

    Attributes:
        free_octets: On the disk they lie on; null where that is not known.
        formats: What they can be exported as.
        can_replay: Whether a replay can be started here.
    """

    sessions: list[SessionRow]
    free_octets: int | None
    formats: list[ExportFormat]
    can_replay: bool


class ExportWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording is to be exported as."""

    format: ExportFormat
    sensor: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


class ExportJob(Struct, frozen=True, kw_only=True):
    """An export under way, or done.

    Attributes:
        done: Samples written.
        total: Of so many; null where nobody knows.
        file: Name of what can be fetched when it is done.
        error: Why it failed.
    """

    id: str
    session: str
    format: ExportFormat
    state: Literal["running", "done", "failed", "cancelled"]
    done: int
    total: int | None
    file: str
    size_octets: int
    error: str = ""


class ReplayWish(Struct, frozen=True, forbid_unknown_fields=True):
    """How fast a recording is to be played."""

    speed: Annotated[float, Meta(ge=1, le=100)] = 1.0


class ReplayState(Struct, frozen=True, kw_only=True):
    """A replay; there is one at a time.

    Attributes:
        url: Of the page that shows it; empty until it is ready.
        error: Why it ended.
    """

    state: Literal["none", "starting", "running", "ended"]
    session: str = ""
    url: str = ""
    error: str = ""
