"""Pauses between attempts: growing, capped, and random, so that clients do not all come back at the same moment."""

import random
from collections.abc import Iterator

__all__ = ["backoff_s"]


def backoff_s(
    *, first_s: float = 0.1, cap_s: float = 10.0, factor: float = 2.0, chance: random.Random | None = None
) -> Iterator[float]:
    """Yield pauses in seconds, forever: each a random time in the upper half of a bound that grows.

    Args:
        first_s: The first bound.
        cap_s: The largest bound.
        factor: By which the bound grows each time.
        chance: Source of randomness; None for the process's own.
    """
    draw = (chance or random).uniform
    bound_s = first_s
    while True:
        yield draw(bound_s / 2, bound_s)
        bound_s = min(cap_s, bound_s * factor)
