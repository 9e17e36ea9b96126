"""Counters of 32 bits, followed beyond their wrap."""

from typing import Final

__all__ = ["unwrapped"]

_MODULUS: Final = 1 << 32


def unwrapped(value: int, near: int) -> int:
    """Return the integer next to `near` that is `value` modulo 2**32; never below 0.

    >>> unwrapped(5, near=2**32 - 3)
    4294967301
    >>> unwrapped(2**32 - 3, near=2**32 + 5)
    4294967293
    >>> unwrapped(2**32 - 3, near=5)
    4294967293
    """
    offset = (value - near + _MODULUS // 2) % _MODULUS - _MODULUS // 2
    return near + offset if near + offset >= 0 else value
