"""Sets of seeds: nights for tuning, nights for tests, and nights held out for reporting.

A detector is as good as it looks only on nights that nobody tuned it to. The sets are ranges rather than lists, so that
the number of a seed alone says which set it belongs to, and a report on other seeds than `reporting` says so.
"""

from typing import Final

from crampwatch.protocol.errors import ConfigurationError

__all__ = ["SEED_SETS", "seeds_of", "set_of"]

SEED_SETS: Final[dict[str, range]] = {
    "tuning": range(1, 1000),
    "checking": range(5001, 6000),
    "reporting": range(9001, 10_000),
}
"""Do not look at `reporting` while tuning. `checking` is for automatic tests: seen often, so not for reports either."""

_USUAL: Final = {"tuning": 12, "checking": 1, "reporting": 12}
"""How many nights of a set are used by default: twelve nights are 96 hours."""


def seeds_of(text: str) -> tuple[int, ...]:
    """Read a set, a set and how many of it, or numbers and ranges.

    >>> seeds_of("reporting:3")
    (9001, 9002, 9003)
    >>> seeds_of("1-3,8")
    (1, 2, 3, 8)

    Raises:
        ConfigurationError: The text is none of these.
    """
    name, _, count = text.partition(":")
    try:
        if name in SEED_SETS:
            return tuple(SEED_SETS[name][: int(count) if count else _USUAL[name]])
        return tuple(seed for part in text.split(",") for seed in _parse_range(part))
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a set or list of seeds.",
            advice=f"Use one of {', '.join(SEED_SETS)}, such as reporting:4, or numbers such as 1-8 or 1,5,7.",
        ) from None


def set_of(seeds: tuple[int, ...]) -> str:
    """Return the name of the set that all seeds belong to; `mixed` where there is no such set."""
    for name, numbers in SEED_SETS.items():
        if all(seed in numbers for seed in seeds):
            return name
    return "mixed"


def _parse_range(part: str) -> range:
    first, dash, last = part.strip().partition("-")
    return range(int(first), int(last if dash else first) + 1)
