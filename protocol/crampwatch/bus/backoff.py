"""How long to wait before trying again: growing, capped, and spread so that clients do not come back in step."""

import random
from collections.abc import Iterator

__all__ = ["backoff_s"]


def backoff_s(
    *, first_s: float = 0.1, cap_s: float = 10.0, factor: float = 2.0, chance: random.Random | None = None
) -> Iterator[float]:
    """Yield seconds to wait, for ever: each drawn from the upper half of a bound that grows up to `cap_s`.

    Args:
        first_s: The first bound.
        cap_s: The last bound.
        factor: From one bound to the next.
        chance: Where the draw comes from; the process's own where None.
    """
    draw = (chance or random).uniform
    bound_s = first_s
    while True:
        yield draw(bound_s / 2, bound_s)
        bound_s = min(cap_s, bound_s * factor)
