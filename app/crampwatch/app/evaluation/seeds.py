"""Which simulated nights may be looked at while the detector is tuned, and which only tell how good it is."""

from typing import Final

from crampwatch.protocol.errors import ConfigurationError

__all__ = ["SEED_SETS", "seeds_of", "set_of"]

# A detector is as good as it looks only on nights that nobody tuned it to. Ranges, not lists: a seed belongs to one set
# by its number alone, and a report on seeds outside `reporting` says that it is none.
SEED_SETS: Final[dict[str, range]] = {
    "tuning": range(1, 1000),
    "checking": range(5001, 6000),
    "reporting": range(9001, 10_000),
}
"""`checking` is what automatic tests run: seen often, so neither for tuning nor for figures one tells."""

_USUAL: Final = {"tuning": 12, "checking": 1, "reporting": 12}
"""Nights of a set that are taken where nothing else is said: 96 hours."""


def seeds_of(text: str) -> tuple[int, ...]:
    """Read what a user says: a set, a set and how many of it, numbers and ranges.

    >>> seeds_of("reporting:3")
    (9001, 9002, 9003)
    >>> seeds_of("1-3,8")
    (1, 2, 3, 8)

    Raises:
        ConfigurationError: It is none of these.
    """
    name, _, count = text.partition(":")
    try:
        if name in SEED_SETS:
            return tuple(SEED_SETS[name][: int(count) if count else _USUAL[name]])
        return tuple(seed for part in text.split(",") for seed in _range(part))
    except ValueError:
        raise ConfigurationError(
            f"{text!r} are no seeds.",
            advice=f"Give one of {', '.join(SEED_SETS)}, such as reporting:4, or numbers such as 1-8 or 1,5,7.",
        ) from None


def set_of(seeds: tuple[int, ...]) -> str:
    """Return the set that all seeds belong to; `mixed` where they belong to several or to none."""
    for name, numbers in SEED_SETS.items():
        if all(seed in numbers for seed in seeds):
            return name
    return "mixed"


def _range(part: str) -> range:
    first, dash, last = part.strip().partition("-")
    return range(int(first), int(last if dash else first) + 1)
