"""When a service has to end: Ctrl-C, a termination signal, or a supervisor that is gone."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress

from crampwatch.app.supervisor import SUPERVISED

__all__ = ["stop_event"]


def stop_event() -> asyncio.Event:
    """Return an event that is set when this process is asked to end.

    Call it once, on the running loop. Under a supervisor the end of standard input counts as such, so that nothing
    outlives it, however it died.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: there Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    if os.environ.get(SUPERVISED) == "1":

        def wait_for_end_of_input() -> None:
            while sys.stdin.buffer.read(4096):
                continue
            with suppress(RuntimeError):  # the loop has ended by itself meanwhile
                loop.call_soon_threadsafe(stop.set)

        # A thread, since pipes cannot be watched by every system's event loop; a daemon, since it may wait for ever.
        threading.Thread(target=wait_for_end_of_input, name="supervisor line", daemon=True).start()
    return stop
