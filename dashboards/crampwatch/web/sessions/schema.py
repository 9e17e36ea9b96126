"""What the page is told of recordings: the shapes behind `/api/v1/sessions` and `/api/v1/exports`."""

from typing import Annotated, Literal

from crampwatch.protocol.kinds import Origin
from crampwatch.web.http.openapi import ProblemCode
from msgspec import Meta, Struct

__all__ = [
    "BackupFindings",
    "BackupJob",
    "BackupRow",
    "Backups",
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


class ExportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording is to be exported as."""

    format: ExportFormat
    sensor: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


class ExportJob(Struct, frozen=True, kw_only=True):
    """An export under way, or done.

    Attributes:
        done: Samples written.
        total: Of so many; null where nobody knows.
        file: Name of what can be fetched when it is done.
        annotations: Name of the episodes' table, where the format has no place for them; empty for others.
        error: Why it failed.
        code: The same for other languages; null where there is nothing more exact.
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


class BackupRow(Struct, frozen=True, kw_only=True):
    """A backup kept on this machine.

    Attributes:
        id: Of its file.
        written_ns: When, UTC.
        sessions: How many recordings it says it holds; null where it is none of ours.
        problem: Why it cannot be read; empty where it can.
        code: The same for other languages; null where there is nothing more exact.
    """

    id: str
    written_ns: int
    size_octets: int
    sessions: int | None = None
    problem: str = ""
    code: ProblemCode | None = None


class BackupFindings(Struct, frozen=True, kw_only=True):
    """What is in a backup that was read to its end and is whole.

    Attributes:
        made_utc: When, ISO 8601.
        version: Of the crampwatch that made it.
        sessions: Recordings in it: real ones, deleted ones too.
        absent: Those that are not here: they can be brought back.
        present: Those that are here.
        deleted: Those that were deleted here: they can be taken back.
        damaged: Recordings that were kept as they are now but cannot be opened.
        with_episodes: Whether absent ones come back with what was found in them.
        brought_back: How many were brought back just now.
    """

    made_utc: str
    version: str
    files: int
    sessions: int
    absent: int
    present: int
    deleted: int
    damaged: list[str]
    with_episodes: bool
    brought_back: int = 0


class BackupJob(Struct, frozen=True, kw_only=True):
    """Work on a backup under way, or the last that was done.

    Attributes:
        backup: Which one.
        done: Octets.
        total: Of so many; null as long as nobody knows.
        error: Why it failed.
        code: The same for other languages; null where there is nothing more exact.
        findings: Of a check, and of bringing back, when done.
    """

    work: Literal["make", "check", "restore"]
    backup: str
    state: Literal["running", "done", "failed", "cancelled"]
    done: int = 0
    total: int | None = None
    error: str = ""
    code: ProblemCode | None = None
    findings: BackupFindings | None = None


class Backups(Struct, frozen=True, kw_only=True):
    """Backups on this machine, the newest first.

    Attributes:
        folder: Where they lie.
        most_octets: What a file from elsewhere may have: there is no room for more.
        job: The present work, or the last; null where there was none.
    """

    folder: str
    backups: list[BackupRow]
    most_octets: int
    job: BackupJob | None = None


class ReplayRequest(Struct, frozen=True, forbid_unknown_fields=True):
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
