"""Choosing the EMG signals of a file that holds many others.

A polysomnography has twenty signals and more: EEG, breathing, saturation, impedances, position. If the user names none,
the choice is made in this order:

1. signals whose labels name a muscle of the leg or foot (or "EMG"), unless their unit says otherwise: of those the
   voltages if there are any, and of those the ones with the most common sampling rate;
2. else the voltages with the highest rate, EMG being sampled fastest;
3. else, if no unit is stated anywhere, the fastest signals.

All chosen signals have one rate. The reason of the choice goes into reports, so that a wrong one is noticed.
"""

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
"""Leg channels as sleep laboratories label them in English, French and German; LAT and RAT are AASM labels
(tibialis)."""
_NOT_EMG = re.compile(r"imp(ed|\b|\.)|temp|\btime\b|class|marker|trigger|\bquality\b", re.IGNORECASE)
"""Impedances, temperatures, time columns and markers, whatever their unit and rate."""
_LABELS_SHOWN = 40
"""In an error message; more would fill a screen."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A signal of a file.

    Attributes:
        label: May be empty and need not be unique.
        unit: As the file spells it; empty if not stated.
        rate_hz: NaN if the header makes no sense.
    """

    label: str
    unit: str
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen signals and why.

    Attributes:
        indices: Positions in the file, from 0.
        reason: For reports.
    """

    indices: tuple[int, ...]
    reason: str


def choose(candidates: Sequence[Candidate], asked: Sequence[str | int] | None) -> Choice:
    """Choose the EMG signals of a file; they have one sampling rate.

    Args:
        candidates: All signals of the file, in its order.
        asked: Labels, or numbers from 1; None chooses by label, unit and rate.

    Raises:
        ConfigurationError: A requested signal does not exist, is ambiguous, or differs in rate or kind.
        RecordingError: No signal of the file can be EMG, or too many can.
    """
    if asked is not None:
        if isinstance(asked, str) or not isinstance(asked, Sequence):
            raise TypeError(f"channels must be a list of labels or numbers from 1, got {asked!r}; write [{asked!r}]")
        indices = tuple(dict.fromkeys(_find_index(candidates, requested) for requested in asked))
        _check_requested(candidates, indices)
        return Choice(indices, "as requested")
    choice = _by_label(candidates) or _by_unit(candidates)
    if choice is None:
        for candidate in candidates:
            if _MUSCLE.search(candidate.label):
                check_rate(candidate.rate_hz, repr(candidate.label))
        raise RecordingError(
            f"None of the signals looks like EMG: {_list_labels(candidates)}.",
            advice="Name the signals with --channels.",
        )
    if len(choice.indices) > MOST_CHANNELS:
        raise RecordingError(
            f"{len(choice.indices)} signals might be EMG; at most {MOST_CHANNELS} are read.",
            advice="Name the signals with --channels.",
        )
    return choice


def find_temperature(candidates: Sequence[Candidate]) -> int | None:
    """Return the index of the first signal whose label contains `temp` and whose unit is not a voltage."""
    for index, candidate in enumerate(candidates):
        if "temp" in candidate.label.lower() and uv_per_unit(candidate.unit) is None:
            return index
    return None


def _find_index(candidates: Sequence[Candidate], requested: str | int) -> int:
    """Return the index of a signal by label or number; a label such as "1" wins over the number 1."""
    if isinstance(requested, str):
        name = requested.strip().lower()
        found = [i for i, candidate in enumerate(candidates) if candidate.label.strip().lower() == name]
        if len(found) > 1:
            numbers = ", ".join(str(i + 1) for i in found)
            raise ConfigurationError(
                f"Several signals are labelled {requested!r}: number {numbers}.", advice="Choose one by its number."
            )
        if found:
            return found[0]
        if not re.fullmatch(r"[0-9]{1,6}", name):
            raise ConfigurationError(
                f"There is no signal {requested!r}; the file has {_list_labels(candidates)}.",
                advice="Give --channels labels as listed here, or numbers from 1.",
            )
    if not isinstance(requested, (str, int)):
        raise TypeError(f"a channel is a label or a number from 1, got {requested!r}")
    number = int(requested)
    if not 1 <= number <= len(candidates):
        raise ConfigurationError(
            f"There is no signal number {number}; the file has {_list_labels(candidates)}.",
            advice="Channels are numbered from 1.",
        )
    return number - 1


def _check_requested(candidates: Sequence[Candidate], indices: Sequence[int]) -> None:
    if not 1 <= len(indices) <= MOST_CHANNELS:
        raise ConfigurationError(
            f"{len(indices)} channels were requested; expected 1 to {MOST_CHANNELS}.", advice="Correct --channels."
        )
    chosen = [candidates[i] for i in indices]
    if any(candidate.rate_hz != chosen[0].rate_hz for candidate in chosen):
        rates = ", ".join(f"{candidate.label!r} {candidate.rate_hz:g} Hz" for candidate in chosen)
        raise ConfigurationError(
            f"The chosen signals differ in rate: {rates}.", advice="Choose signals of one rate with --channels."
        )
    is_voltage = {uv_per_unit(candidate.unit) is not None for candidate in chosen}
    if len(is_voltage) > 1:
        units = ", ".join(f"{candidate.label!r} {candidate.unit or 'no unit'}" for candidate in chosen)
        raise ConfigurationError(
            f"Some of the chosen signals are voltages and some are not: {units}.",
            advice="Choose signals of one kind with --channels.",
        )


def _by_label(candidates: Sequence[Candidate]) -> Choice | None:
    named = [
        i
        for i, candidate in enumerate(candidates)
        if _is_usable(candidate) and _MUSCLE.search(candidate.label) and not is_foreign_unit(candidate.unit)
    ]
    return _narrowed(candidates, named, "labels name muscles")


def _by_unit(candidates: Sequence[Candidate]) -> Choice | None:
    usable = [i for i, candidate in enumerate(candidates) if _is_usable(candidate)]
    volts = [i for i in usable if uv_per_unit(candidates[i].unit) is not None]
    others = [i for i in usable if not is_foreign_unit(candidates[i].unit)]
    pool = volts or others
    if not pool:
        return None
    fastest = max(candidates[i].rate_hz for i in pool)
    chosen = tuple(i for i in pool if candidates[i].rate_hz == fastest)
    reason = "the fastest voltages; no label names a muscle" if volts else "the fastest signals; no unit is stated"
    return Choice(chosen, reason)


def _narrowed(candidates: Sequence[Candidate], indices: Sequence[int], reason: str) -> Choice | None:
    """Narrow a choice to voltages if there are any, then to the most common rate; of equally common ones the faster."""
    pool = [i for i in indices if uv_per_unit(candidates[i].unit) is not None] or list(indices)
    if not pool:
        return None
    counts = Counter(candidates[i].rate_hz for i in pool)
    rate = max(counts, key=lambda rate_hz: (counts[rate_hz], rate_hz))
    chosen = tuple(i for i in pool if candidates[i].rate_hz == rate)
    left_out = [repr(candidates[i].label) for i in indices if i not in chosen]
    return Choice(chosen, reason + (f"; left out because of rate or unit: {', '.join(left_out)}" if left_out else ""))


def _is_usable(candidate: Candidate) -> bool:
    return LOWEST_RATE_HZ <= candidate.rate_hz <= HIGHEST_RATE_HZ and not _NOT_EMG.search(candidate.label)


def _list_labels(candidates: Sequence[Candidate]) -> str:
    shown = [repr(candidate.label) for candidate in candidates[:_LABELS_SHOWN]]
    more = len(candidates) - len(shown)
    return (", ".join(shown) or "no signals") + (f" and {more} more" if more > 0 else "")
