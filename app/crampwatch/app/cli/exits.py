"""Exit codes, and the error that each stands for."""

from enum import IntEnum
from typing import Final

from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, RecordingError, UnavailableError

__all__ = ["NEVER_RETRY", "ExitCode", "exit_code_of"]


class ExitCode(IntEnum):
    """Exit codes of all commands; documented in docs/operations.md."""

    OK = 0
    """Success; also a command that runs until it is stopped, when it is stopped."""
    FAILURE = 1
    """An error that no other code describes."""
    USAGE = 2
    """A wrong flag, variable, settings file, or combination of them."""
    UNAVAILABLE = 3
    """Something outside crampwatch is not available: adapter, broker, database, port, disk space."""
    BAD_RECORDING = 4
    """A file that cannot be read as a recording."""
    INTERRUPTED = 130
    """Ctrl-C in a command that ends by itself (128 + SIGINT, as shells report it)."""
    BROKEN_PIPE = 141
    """Output pipe closed, as by `head` (128 + SIGPIPE)."""


NEVER_RETRY: Final = frozenset({ExitCode.USAGE, ExitCode.UNAVAILABLE, ExitCode.BAD_RECORDING})
"""Codes with which a stage would end again if it were restarted at once."""


def exit_code_of(error: CrampwatchError) -> ExitCode:
    """Return the exit code of an error.

    >>> exit_code_of(RecordingError("night.edf is empty."))
    <ExitCode.BAD_RECORDING: 4>
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.FAILURE


_CODES: Final = (
    (ConfigurationError, ExitCode.USAGE),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (RecordingError, ExitCode.BAD_RECORDING),
)
