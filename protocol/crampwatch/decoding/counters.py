"""Follows 32-bit counters beyond their wrap."""

from typing import Final

__all__ = ["unwrap", "unwrap_nearest"]

_MODULUS: Final = 1 << 32


def unwrap_nearest(value: int, near: int) -> int:
    """Return the integer nearest to `near` that is `value` modulo 2**32; it may be negative.

    >>> nearest_unwrapped(5, near=2**32 - 3)
    4294967301
    >>> nearest_unwrapped(2**32 - 3, near=5)
    -3
    """
    return near + (value - near + _MODULUS // 2) % _MODULUS - _MODULUS // 2


def unwrap(value: int, near: int) -> int:
    """Return the same, but never less than 0: for counters that start at 0, such as sample indices since a boot.

    >>> unwrapped(2**32 - 3, near=2**32 + 5)
    4294967293
    >>> unwrapped(2**32 - 3, near=5)
    4294967293
    """
    nearest = unwrap_nearest(value, near)
    return nearest if nearest >= 0 else value
