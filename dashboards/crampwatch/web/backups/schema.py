"""JSON of `/api/v1/backups` and `/api/v1/backup-work`. Times ending in `_ns` are UTC nanoseconds."""

from typing import Literal

from crampwatch.web.http.openapi import ProblemCode
from msgspec import Struct

__all__ = ["BackupFindings", "BackupJob", "BackupRow", "Backups"]


class BackupRow(Struct, frozen=True, kw_only=True):
    """A backup on this machine.

    Attributes:
        id: Name of its file.
        written_ns: When the file was written.
        sessions: Number of recordings that its table of contents lists; null if it is not a crampwatch backup.
        problem: Why it cannot be read, in English; empty if it can.
        code: Why it cannot be read, for other languages; null if there is no code for it.
    """

    id: str
    written_ns: int
    size_octets: int
    sessions: int | None = None
    problem: str = ""
    code: ProblemCode | None = None


class BackupFindings(Struct, frozen=True, kw_only=True):
    """What is in a backup that was read completely and is undamaged.

    Attributes:
        made_utc: When it was made, ISO 8601.
        version: Version of crampwatch that made it.
        files: Number of files in it.
        sessions: Number of recordings in it, including deleted ones.
        absent: How many of them are missing on this machine, so that they can be restored.
        present: How many of them are on this machine.
        deleted: How many of them are in this machine's trash.
        damaged: Names of recordings that were already unreadable when the backup was made.
        with_episodes: Whether recordings are restored together with their episodes.
        brought_back: Number of recordings restored by this job.
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
    """The job on a backup that is running, or the last one that ran.

    Attributes:
        backup: Id of the backup.
        done: Bytes processed.
        total: Bytes to process; null until known.
        error: Why it failed, in English; empty otherwise.
        code: Why it failed, for other languages; null if there is no code for it.
        findings: Result of a check or a restore; null until it is done.
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
    """Backups on this machine, newest first.

    Attributes:
        folder: Folder they are stored in.
        most_octets: Largest upload there is room for, in bytes.
        job: The running job, or the last one; null if there was none.
    """

    folder: str
    backups: list[BackupRow]
    most_octets: int
    job: BackupJob | None = None
