"""Translates readings of the monotonic clock to UTC."""

from dataclasses import dataclass

__all__ = ["Anchor"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment read on both clocks.

    Monotonic times of an epoch are translated with its anchor alone, so a later step of the wall clock moves nothing.

    Attributes:
        utc_ns: Wall clock at that moment.
        mono_ns: Monotonic clock at the same moment.
    """

    utc_ns: int
    mono_ns: int

    def utc_of(self, mono_ns: int) -> int:
        """Return the UTC time in nanoseconds of a monotonic time of the same epoch.

        >>> Anchor(utc_ns=1_000, mono_ns=400).utc_of(450)
        1050
        """
        return self.utc_ns + mono_ns - self.mono_ns
