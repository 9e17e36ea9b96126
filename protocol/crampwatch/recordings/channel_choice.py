"""Which signals of a file are the muscles to watch."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.recordings.limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS, check_rate
from crampwatch.recordings.units import is_foreign_unit, uv_per_unit

__all__ = ["Candidate", "Choice", "choose", "find_temperature"]

_MUSCLE = re.compile(
    r"emg|leg\b|legs\b|foot|feet|muscle|calf|toe\b|sole\b|ankle|plm|jambe|pied|bein"
    r"|fu(ss|\N{LATIN SMALL LETTER SHARP S})|wade|muskel|tib\b|tibial|peron|fibular"
    r"|gastroc|soleus|hallu|flexor|extensor|abductor|quadriceps|hamstring"
    r"|\b[lr][ _-]?(at|ta)\b|\bta\b|\b(at|ta)[ _-]?[lr]\b",
    re.IGNORECASE,
)
"""Words of English, French and German sleep laboratories; AASM's tibialis labels (LAT, RAT) among them."""
_NO_SIGNAL = re.compile(r"imp(ed|\b|\.)|temp|\btime\b|class|marker|trigger|\bquality\b", re.IGNORECASE)
_LABELS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """One signal a file holds.

    Attributes:
        label: Its name; may be empty and need not be unique.
        unit: As printed; empty where not told.
        rate_hz: Samples a second; NaN where the file's header makes no sense of it.
    """

    label: str
    unit: str
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Choice:
    """Chosen signals, as positions in the file from 0, and why they were chosen."""

    indices: tuple[int, ...]
    reason: str


def choose(candidates: Sequence[Candidate], asked: Sequence[str | int] | None) -> Choice:
    """Choose signals of one common rate.

    Args:
        candidates: All signals of the file, in its order.
        asked: Labels, or numbers from 1; None chooses by label, and failing that by unit and rate.

    Raises:
        ConfigurationError: What was asked for is not there, is ambiguous or differs in rate.
        RecordingError: Nothing in the file can be EMG, or too much.
    """
    if asked is not None:
        indices = tuple(dict.fromkeys(_find(candidates, wanted) for wanted in asked))
        _check_asked(candidates, indices)
        return Choice(indices, "as asked")
    choice = _by_label(candidates) or _by_unit(candidates)
    if choice is None:
        for candidate in candidates:
            if _MUSCLE.search(candidate.label):
                check_rate(candidate.rate_hz, repr(candidate.label))
        raise RecordingError(
            f"None of the signals looks like EMG: {_listing(candidates)}.",
            advice="Name the signals with --channels.",
        )
    if len(choice.indices) > MOST_CHANNELS:
        raise RecordingError(
            f"{len(choice.indices)} signals might be EMG; at most {MOST_CHANNELS} are read.",
            advice="Name the signals with --channels.",
        )
    return choice


def find_temperature(candidates: Sequence[Candidate]) -> int | None:
    """Return the position of the first signal whose label contains `temp` and whose unit is no voltage."""
    for index, candidate in enumerate(candidates):
        if "temp" in candidate.label.lower() and uv_per_unit(candidate.unit) is None:
            return index
    return None


def _find(candidates: Sequence[Candidate], wanted: str | int) -> int:
    """Return a position; a label that is there wins over a number written the same."""
    if isinstance(wanted, str):
        name = wanted.strip().lower()
        found = [i for i, candidate in enumerate(candidates) if candidate.label.strip().lower() == name]
        if len(found) > 1:
            numbers = ", ".join(str(i + 1) for i in found)
            raise ConfigurationError(
                f"Several signals are labelled {wanted!r}: number {numbers}.", advice="Choose one by its number."
            )
        if found:
            return found[0]
        if not re.fullmatch(r"[0-9]{1,6}", name):
            raise ConfigurationError(
                f"There is no signal {wanted!r}; the file has {_listing(candidates)}.",
                advice="Give --channels labels as they stand there, or numbers from 1.",
            )
    number = int(wanted)
    if not 1 <= number <= len(candidates):
        raise ConfigurationError(
            f"There is no signal number {number}; the file has {_listing(candidates)}.",
            advice="Numbers count from 1.",
        )
    return number - 1


def _check_asked(candidates: Sequence[Candidate], indices: Sequence[int]) -> None:
    if not 1 <= len(indices) <= MOST_CHANNELS:
        raise ConfigurationError(
            f"{len(indices)} channels were asked for; expected 1 to {MOST_CHANNELS}.", advice="Correct --channels."
        )
    chosen = [candidates[i] for i in indices]
    if any(candidate.rate_hz != chosen[0].rate_hz for candidate in chosen):
        rates = ", ".join(f"{candidate.label!r} {candidate.rate_hz:g} Hz" for candidate in chosen)
        raise ConfigurationError(
            f"The chosen signals differ in rate: {rates}.", advice="Choose signals of one rate with --channels."
        )
    known = {uv_per_unit(candidate.unit) is not None for candidate in chosen}
    if len(known) > 1:
        units = ", ".join(f"{candidate.label!r} {candidate.unit or 'no unit'}" for candidate in chosen)
        raise ConfigurationError(
            f"Some of the chosen signals are voltages and some are not: {units}.",
            advice="Choose signals of one kind with --channels.",
        )


def _by_label(candidates: Sequence[Candidate]) -> Choice | None:
    named = [
        i
        for i, candidate in enumerate(candidates)
        if _usable(candidate) and _MUSCLE.search(candidate.label) and not is_foreign_unit(candidate.unit)
    ]
    return _of_one_kind(candidates, named, "their labels name muscles")


def _by_unit(candidates: Sequence[Candidate]) -> Choice | None:
    usable = [i for i, candidate in enumerate(candidates) if _usable(candidate)]
    volts = [i for i in usable if uv_per_unit(candidates[i].unit) is not None]
    others = [i for i in usable if not is_foreign_unit(candidates[i].unit)]
    pool = volts or others
    if not pool:
        return None
    fastest = max(candidates[i].rate_hz for i in pool)
    chosen = tuple(i for i in pool if candidates[i].rate_hz == fastest)
    return Choice(chosen, "the fastest voltages, no label names a muscle" if volts else "no unit tells, the fastest")


def _of_one_kind(candidates: Sequence[Candidate], indices: Sequence[int], reason: str) -> Choice | None:
    """Keep voltages where there are any, then the commonest rate, the faster of equals."""
    kept = [i for i in indices if uv_per_unit(candidates[i].unit) is not None] or list(indices)
    if not kept:
        return None
    counts = Counter(candidates[i].rate_hz for i in kept)
    rate = max(counts, key=lambda rate_hz: (counts[rate_hz], rate_hz))
    chosen = tuple(i for i in kept if candidates[i].rate_hz == rate)
    left = [repr(candidates[i].label) for i in indices if i not in chosen]
    return Choice(chosen, reason + (f"; left out for rate or unit: {', '.join(left)}" if left else ""))


def _usable(candidate: Candidate) -> bool:
    return LOWEST_RATE_HZ <= candidate.rate_hz <= HIGHEST_RATE_HZ and not _NO_SIGNAL.search(candidate.label)


def _listing(candidates: Sequence[Candidate]) -> str:
    shown = [repr(candidate.label) for candidate in candidates[:_LABELS_SHOWN]]
    more = len(candidates) - len(shown)
    return (", ".join(shown) or "no signals") + (f" and {more} more" if more > 0 else "")
