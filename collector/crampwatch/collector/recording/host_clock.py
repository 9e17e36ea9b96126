"""The host's clocks during a session, possibly running faster than real time.

A session's time is a monotonic clock (it never jumps and goes on while the machine sleeps) plus one anchor: a pair of
monotonic and UTC time, taken once at the start. A wall clock that is set during the night therefore moves no sample.
The monotonic clock starts again when the machine boots; a session that is resumed then gets a second anchor, and each
record says by its epoch which anchor belongs to it.
"""

import time
from collections.abc import Callable
from typing import Final

from crampwatch.protocol.anchor import Anchor

__all__ = ["HostClock", "resumed_anchor"]

_SAME_CLOCK_NS: Final = 60_000_000_000
"""Largest difference between wall clock and anchored monotonic clock at which it is taken to be the same boot: setting
a wall clock moves it by seconds, a reboot moves the monotonic clock by far more."""


class HostClock:
    """Monotonic time, converted to UTC by one anchor.

    Args:
        speed: How many times faster than real time the session runs.
        start_utc_ns: UTC that the session starts with; None for the wall clock.
        anchor: Anchor of a resumed session; `start_utc_ns` is then ignored.
    """

    def __init__(self, *, speed: float = 1.0, start_utc_ns: int | None = None, anchor: Anchor | None = None) -> None:
        self._speed = speed
        self._real_ns = boot_time_ns()
        self._base_ns = self._real_ns
        if anchor is not None:
            self.anchor = anchor
        else:
            self.anchor = Anchor(time.time_ns() if start_utc_ns is None else start_utc_ns, self._base_ns)

    @property
    def is_real(self) -> bool:
        """Whether the clock runs as fast as real time."""
        return self._speed == 1.0

    def mono_ns(self) -> int:
        """Return the session's monotonic time."""
        elapsed_ns = boot_time_ns() - self._real_ns
        return self._base_ns + (elapsed_ns if self.is_real else round(elapsed_ns * self._speed))

    def utc_ns(self) -> int:
        """Return the session's time in UTC."""
        return self.anchor.utc_of(self.mono_ns())

    @staticmethod
    def wall_ns() -> int:
        """Return the time of the wall clock, whatever the speed."""
        return time.time_ns()


def resumed_anchor(last: Anchor, *, last_mono_ns: int, last_wall_ns: int, speed: float) -> Anchor:
    """Return the anchor with which a session is resumed in a new process.

    If the monotonic clock has run on, it is the old anchor: a wall clock that was set meanwhile moves nothing. After a
    reboot of the machine, or if the session does not run in real time, it is a new one that continues the old time.

    Args:
        last: Anchor of the epoch before.
        last_mono_ns: Monotonic time of the last record.
        last_wall_ns: Wall-clock time of the last record.
        speed: How many times faster than real time the session runs.
    """
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    if speed == 1.0 and mono_ns >= last_mono_ns and abs(last.utc_of(mono_ns) - wall_ns) < _SAME_CLOCK_NS:
        return last
    elapsed_ns = round(max(0, wall_ns - last_wall_ns) * speed)
    return Anchor(last.utc_of(last_mono_ns) + elapsed_ns, mono_ns)


def _choose_boot_clock() -> Callable[[], int]:
    """Return a monotonic clock that goes on while the machine sleeps, if the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns if clock is None else lambda: time.clock_gettime_ns(clock)


boot_time_ns: Final = _choose_boot_clock()
"""Returns nanoseconds since the machine was started, including sleep."""
