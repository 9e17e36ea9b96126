"""Random numbers that do not depend on what was computed before.

A night must be the same however it is read: from the start, from the middle, or in pieces of any size. One generator
that is used from beginning to end cannot give that. So each purpose has a generator of its own, seeded by a key of
integers such as (seed, purpose, number), and noise over time is an endless sequence that can be read from any position.
"""

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Noise", "log_uniform", "rng_for", "weighted_choice"]

Floats = NDArray[np.float64]
Name = TypeVar("Name", bound=str)

_CHUNK = 4096
"""Numbers drawn at once from one generator; changing it changes every night."""
# Root mean square of the sum of squared cubic B-spline weights over one knot interval: 151/315.
_SPLINE_RMS = (151 / 315) ** 0.5


def rng_for(*key: int) -> np.random.Generator:
    """Return a new generator for a key: a few integers, none negative. The same key gives the same numbers."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: as likely to double as to halve."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def weighted_choice(rng: np.random.Generator, weights: dict[Name, float]) -> Name:
    """Draw one of the names with a probability proportional to its weight."""
    share = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]


class Noise:
    """An endless sequence of independent standard normal numbers, one at each integer from -2**40 on.

    Noise over time is read from it in three ways: as white noise (`values`), as a smooth curve through the numbers
    (`smooth`), and the same at little cost if it changes slowly (`slow`).

    >>> noise = Noise(7, 1)
    >>> bool((noise.values(-5, 20)[3:] == noise.values(-2, 17)).all())
    True
    """

    def __init__(self, *key: int) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"Lattice{self._key}"

    def values(self, first: int, count: int) -> Floats:
        """Return the numbers at positions `first` to `first + count - 1`."""
        first_chunk, last_chunk = first // _CHUNK, (first + max(count, 1) - 1) // _CHUNK
        joined = np.concatenate([_chunk(self._key, index) for index in range(first_chunk, last_chunk + 1)])
        start = first - first_chunk * _CHUNK
        return joined[start : start + count]

    def smooth(self, position: Floats) -> Floats:
        """Return a smooth curve through the sequence: mean 0, standard deviation 1, no power above 0.6 cycles per step.

        The curve is a cubic B-spline with the numbers as its control points.

        Args:
            position: Where to evaluate it, in any order; neighbouring numbers are 1.0 apart.
        """
        if position.size == 0:
            return np.zeros(0)
        whole = np.floor(position)
        first = int(whole.min()) - 1
        index = (whole - (first + 1)).astype(np.intp)
        knots = self.values(first, int(whole.max()) - first + 3)
        before, here, after, beyond = knots[:-3], knots[1:-2], knots[2:-1], knots[3:]
        scale = 1 / (6 * _SPLINE_RMS)
        constant = scale * (before + 4 * here + after)
        linear = 3 * scale * (after - before)
        square = 3 * scale * (before - 2 * here + after)
        cube = scale * (beyond - before + 3 * (here - after))
        x = position - whole
        return np.asarray(constant[index] + x * (linear[index] + x * (square[index] + x * cube[index])))

    def slow(self, t_s: Floats, step_s: float) -> Floats:
        """Return about `smooth(t_s / step_s)`, interpolated linearly between points `step_s` / 16 apart.

        Args:
            t_s: Ascending times.
            step_s: Time between neighbouring numbers.
        """
        grid = np.arange(np.floor(t_s[0] / step_s * 16), np.ceil(t_s[-1] / step_s * 16) + 1) / 16
        return np.interp(t_s, grid * step_s, self.smooth(grid))


@lru_cache(maxsize=256)
def _chunk(key: tuple[int, ...], index: int) -> Floats:
    numbers = rng_for(*key, index + 2**40 // _CHUNK).standard_normal(_CHUNK)
    numbers.flags.writeable = False
    return numbers
