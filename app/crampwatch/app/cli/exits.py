"""Exit codes, and which error ends in which."""

from enum import IntEnum
from typing import Final

from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, RecordingError, UnavailableError

__all__ = ["NEVER_RETRY", "ExitCode", "exit_code_of"]


class ExitCode(IntEnum):
    """What a command ends with; documented in docs/operations.md."""

    OK = 0
    """Done, or stopped as asked where running until stopped is what the command does."""
    FAILURE = 1
    """Something went wrong that no other code names."""
    USAGE = 2
    """A flag, variable, settings file or combination of them that cannot be."""
    UNAVAILABLE = 3
    """Something outside is not there: adapter, broker, database, port, disk space."""
    BAD_RECORDING = 4
    """A file that cannot be read as a recording."""
    INTERRUPTED = 130
    """Ctrl-C before a command that ends by itself had ended (128 + SIGINT, as a shell tells it)."""
    BROKEN_PIPE = 141
    """Whoever read the output went away, as `head` does (128 + SIGPIPE)."""


NEVER_RETRY: Final = frozenset({ExitCode.USAGE, ExitCode.UNAVAILABLE, ExitCode.BAD_RECORDING})
"""Codes of a stage that would end the same way if it were started again at once."""


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
