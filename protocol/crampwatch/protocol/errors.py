"""The error tree.

::

    CrampwatchError             anything a person can act on; the command line prints it as one paragraph
    ├── ConfigurationError      a setting, flag or environment the user can correct
    ├── RecordingError          a file that cannot be read as what it claims to be
    ├── UnavailableError        something outside is missing: adapter, broker, database, port, disk space
    └── PeerError               the other side broke the contract
        ├── FrameError          a frame or characteristic value that cannot be decoded
        └── CommandRefusedError a control request answered with a status other than success
"""

from typing import Literal

__all__ = [
    "CommandRefusedError",
    "ConfigurationError",
    "CrampwatchError",
    "FailureCode",
    "FrameError",
    "PeerError",
    "RecordingError",
    "UnavailableError",
]


FailureCode = Literal[
    "no_room",
    "not_written",
    "unreadable",
    "nothing_to_export",
    "too_many_exports",
    "no_backup",
    "backup_damaged",
    "backup_busy",
    "being_recorded",
    "name_taken",
    "not_started",
]
"""What failed, for readers in other languages: each of them translates every code."""


class CrampwatchError(Exception):
    """Anything a person can act on.

    Args:
        message: What was found and what was expected.
        advice: What to do next, in one or two sentences.
        code: The same for readers in other languages; None if only the command line shows it.
    """

    def __init__(self, message: str, *, advice: str = "", code: FailureCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class ConfigurationError(CrampwatchError, ValueError):
    """A setting, flag or environment the user can correct."""


class RecordingError(CrampwatchError, ValueError):
    """A file that cannot be read as what it claims to be."""


class UnavailableError(CrampwatchError):
    """Something outside is missing: adapter, broker, database, port or disk space."""


class PeerError(CrampwatchError):
    """The other side broke the contract."""


class FrameError(PeerError):
    """A frame or characteristic value that cannot be decoded."""


class CommandRefusedError(PeerError):
    """A control request answered with a status other than success.

    Args:
        message: What was requested and how it was answered.
        status: Status byte of the reply.
        advice: What to do next.
    """

    def __init__(self, message: str, *, status: int, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status = status
