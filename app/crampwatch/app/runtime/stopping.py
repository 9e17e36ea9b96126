"""When a service must end: on Ctrl-C, on a termination signal, or when its supervisor has ended."""

import asyncio
import os
import signal
import threading
from contextlib import suppress
from typing import Final

from crampwatch.app.runtime.supervised import is_supervised

__all__ = ["StopEvent", "create_stop_event"]

_HARD_END_S: Final = 10.0
"""A stage that hangs exits this long after its supervisor has ended; no supervisor waits longer before it kills."""


class StopEvent(asyncio.Event):
    """Set when this process must end.

    Attributes:
        by_person: Whether the reason was Ctrl-C, rather than the system or a supervisor.
    """

    by_person = False


def create_stop_event() -> StopEvent:
    """Return an event that is set when this process must end. Call it once, on the running loop.

    A second Ctrl-C interrupts at once. Under a supervisor the end of standard input sets the event as well, so that no
    stage outlives its supervisor, however that died.
    """
    stop = StopEvent()
    loop = asyncio.get_running_loop()

    def handle_signal(number: int) -> None:
        stop.by_person = number == signal.SIGINT
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: there Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, handle_signal, number)
    if is_supervised():
        _stop_with_supervisor(loop, stop)
    return stop


def _stop_with_supervisor(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def wait_for_end_of_input() -> None:
        # Not sys.stdin: its buffer's lock, held by a daemon thread, aborts the interpreter when it ends.
        while os.read(0, 4096):
            continue
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(stop.set)
        watchdog = threading.Timer(_HARD_END_S, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()

    # A thread, since pipes cannot be watched by every system's event loop; a daemon, since it may wait forever.
    threading.Thread(target=wait_for_end_of_input, name="supervisor line", daemon=True).start()
