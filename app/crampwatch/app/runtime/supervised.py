"""How a stage that runs as a child process and its supervisor recognise each other.

The supervisor starts a stage with PROGRAM, sets the variable SUPERVISED and holds the other end of the stage's
standard input. A stage that can be waited for writes one line to standard output: READY_PREFIX and a detail such as its
address.
"""

import os
import sys
from typing import Final

__all__ = ["PROGRAM", "READY_PREFIX", "SUPERVISED", "announce_ready", "is_supervised"]

PROGRAM: Final = (sys.executable, "-P", "-m", "crampwatch.app")
"""How crampwatch starts itself. -P: a folder called crampwatch where the user happens to be must not be imported."""
SUPERVISED: Final = "CRAMPWATCH_SUPERVISED"
"""Variable that is set for a child: its standard input ends when its supervisor does."""
READY_PREFIX: Final = "ready "
"""Starts the line that announces a stage."""


def is_supervised() -> bool:
    """Return whether a supervisor started this process."""
    return os.environ.get(SUPERVISED) == "1"


def announce_ready(detail: str) -> None:
    """Report to a supervisor, if there is one, that this stage is ready; `detail` is where it can be reached."""
    if is_supervised():
        sys.stdout.write(f"{READY_PREFIX}{detail}\n")
        sys.stdout.flush()
