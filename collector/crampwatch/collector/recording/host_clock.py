"""The host's clocks during a session, possibly running faster than real time."""

import time
from collections.abc import Callable
from typing import Final

from crampwatch.protocol.anchor import Anchor

__all__ = ["HostClock", "resumed_anchor"]

_SAME_CLOCK_NS: Final = 60_000_000_000
"""A wall clock is set by seconds; a machine that was started anew has another monotonic clock by far more."""


class HostClock:
    """Monotonic time, told in UTC by one anchor.

    Args:
        speed: How many times faster than real time the session runs.
        start_utc_ns: What UTC shall be now; None for what it is.
        anchor: Goes on from an earlier process of the session instead.
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
        """Whether it runs as fast as real time."""
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
        """Return what the wall clock shows, whatever the speed."""
        return time.time_ns()


def resumed_anchor(last: Anchor, *, last_mono_ns: int, last_wall_ns: int, speed: float) -> Anchor:
    """Return by which anchor a session goes on in a new process.

    Where the monotonic clock ran on, the old one: a wall clock that was set meanwhile moves nothing. After a restart of
    the machine, or at another speed than real time, a new one.

    Args:
        last: Of the epoch before.
        last_mono_ns: Of the last record.
        last_wall_ns: When it was written, by the wall clock.
        speed: Of the session.
    """
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    if speed == 1.0 and mono_ns >= last_mono_ns and abs(last.utc_of(mono_ns) - wall_ns) < _SAME_CLOCK_NS:
        return last
    elapsed_ns = round(max(0, wall_ns - last_wall_ns) * speed)
    return Anchor(last.utc_of(last_mono_ns) + elapsed_ns, mono_ns)


def _boot_time() -> Callable[[], int]:
    """Return a clock that goes on while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns if clock is None else lambda: time.clock_gettime_ns(clock)


boot_time_ns: Final = _boot_time()
"""Nanoseconds since the machine was started, asleep or not."""
