"""Which wall-clock time a reading of the monotonic clock was."""

from dataclasses import dataclass

__all__ = ["Anchor"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment on both clocks.

    Every monotonic time of an epoch is told in UTC by its anchor alone: a step of the wall clock moves nothing.

    Attributes:
        utc_ns: The wall clock.
        mono_ns: The monotonic clock at that moment.
    """

    utc_ns: int
    mono_ns: int

    def utc_of(self, mono_ns: int) -> int:
        """Return the UTC nanoseconds of a monotonic time of the same epoch.

        >>> Anchor(utc_ns=1_000, mono_ns=400).utc_of(450)
        1050
        """
        return self.utc_ns + mono_ns - self.mono_ns
