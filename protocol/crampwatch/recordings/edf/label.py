"""Labels of EMG channels in EDF+ files: 16 characters that identify the muscle.

A label follows the standard texts of EDF+ (https://www.edfplus.info/specs/edftexts.html): the type of signal, then
where it was recorded, such as `EMG L AbH 1`. No two labels of a file are alike, since other programs find a signal by
its label. The full name goes into the transducer field, which has room for 80 characters, and is restored from there.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["edf_labels", "full_labels", "transducer_text"]

_LENGTH: Final = 16
_TRANSDUCER_START: Final = "surface EMG: "
_SIDES: Final = {"left": "L", "right": "R"}
_MUSCLES: Final = {
    "abductor hallucis": "AbH",
    "abductor digiti minimi": "AbDM",
    "extensor digitorum brevis": "EDB",
    "extensor digitorum longus": "EDL",
    "extensor hallucis longus": "EHL",
    "flexor digitorum brevis": "FDB",
    "flexor hallucis brevis": "FHB",
    "gastrocnemius lateralis": "GL",
    "gastrocnemius medialis": "GM",
    "gastrocnemius": "Gastroc",
    "peroneus longus": "PL",
    "quadratus plantae": "QP",
    "soleus": "Sol",
    "tibialis anterior": "TA",
    "tibialis posterior": "TP",
}
"""Abbreviations used in electromyography; a longer name comes before a name that it begins with."""


def edf_labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return a label for each channel: ASCII, at most 16 characters, no two alike.

    Names that fit stay as they are. Otherwise sides and muscles are abbreviated, then all words are cut, and as a last
    resort numbers distinguish the channels. All labels of a file are shortened in the same shorten.

    Args:
        names: Full names, in the order of the channels.

    >>> edf_labels(["EMG left abductor hallucis 1", "EMG left abductor hallucis 2"])
    ('EMG L AbH 1', 'EMG L AbH 2')
    """
    plain = [_with_signal_type(_to_ascii(name)) for name in names]
    shortenings: list[Callable[[str], str]] = [str, _abbreviated, *(_cut_to(length) for length in (8, 6, 5, 4, 3))]
    for shorten in shortenings:
        labels = tuple(shorten(name) for name in plain)
        if max(map(len, labels), default=0) <= _LENGTH and len(set(labels)) == len(labels):
            return labels
    ends = [f" {number}" for number in range(1, len(plain) + 1)]
    return tuple(_abbreviated(name)[: _LENGTH - len(end)].rstrip() + end for name, end in zip(plain, ends, strict=True))


def transducer_text(name: str) -> str:
    """Return a text for the transducer field that holds a channel's full name."""
    return _TRANSDUCER_START + name


def full_labels(labels: Sequence[str], transducers: Sequence[str]) -> tuple[str, ...]:
    """Return the full names of the signals of a file that crampwatch wrote.

    A label that was edited since no longer matches the name in its transducer field, and is kept.
    """
    names = [text.removeprefix(_TRANSDUCER_START) for text in transducers]
    ours = [index for index, text in enumerate(transducers) if text.startswith(_TRANSDUCER_START)]
    expected = dict(zip(ours, edf_labels([names[index] for index in ours]), strict=True))
    return tuple(
        names[index] if index in expected and (label == expected[index] or names[index].startswith(label)) else label
        for index, label in enumerate(labels)
    )


def _to_ascii(name: str) -> str:
    """Return a name without accents or anything else that is not printable ASCII."""
    letters = unicodedata.normalize("NFKD", name.replace("\N{LATIN SMALL LETTER SHARP S}", "ss"))
    plain = letters.encode("ascii", "ignore").decode()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())


def _with_signal_type(name: str) -> str:
    return name if re.match(r"EMG\b", name) else f"EMG {name}".rstrip()


def _abbreviated(name: str) -> str:
    for words, short in (*_MUSCLES.items(), *_SIDES.items()):
        name = re.sub(rf"\b{words}\b", short, name, flags=re.IGNORECASE)
    return name


def _cut_to(length: int) -> Callable[[str], str]:
    def cut(name: str) -> str:
        return " ".join(word[:length] for word in _abbreviated(name).split())

    return cut
