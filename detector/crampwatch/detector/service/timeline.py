"""Converts sample indices to UTC and back, from the times of sample blocks."""

from msgspec import Struct

__all__ = ["Timeline"]


class Timeline(Struct):
    """Times of one stream: the newest block's, and from there on the nominal rate.

    Attributes:
        rate_hz: Nominal rate of the stream.
        index: Index of the newest block's first sample.
        utc_ns: When it was taken.
    """

    rate_hz: float
    index: int
    utc_ns: int

    def update(self, index: int, utc_ns: int) -> None:
        """Use the time of a newer block from now on."""
        self.index, self.utc_ns = index, utc_ns

    def utc_of(self, index: int) -> int:
        """Return when a sample was taken, UTC nanoseconds.

        >>> Timeline(1000.0, 5000, 1_000_000_000).utc_of(4000)
        0
        """
        return max(0, self.utc_ns + round((index - self.index) / self.rate_hz * 1e9))

    def index_at(self, utc_ns: int) -> int:
        """Return the sample taken at a moment; 0 for any before the first."""
        return max(0, self.index + round((utc_ns - self.utc_ns) * self.rate_hz / 1e9))
