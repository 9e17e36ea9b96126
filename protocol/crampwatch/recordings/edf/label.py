"""Labels of the EMG in EDF+ files: 16 characters that say which muscle, and the full name where there is room.

A label is built as the standard texts of EDF+ want it, the type of signal and then where it is from
(https://www.edfplus.info/specs/edftexts.html), such as `EMG L AbH 1`. No two of a file are alike, since other programs
find a signal by its label. The name in full stands in the field of the transducer.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["edf_labels", "full_labels", "transducer_of"]

_ROOM: Final = 16
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
"""What electromyographers write for the muscles that a sensor is worn on; longer names before those they begin with."""


def edf_labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return a label for each channel: ASCII, at most 16 characters, no two alike.

    A name that fits stays as it is; else sides and muscles are abbreviated, then all words, then numbers tell them
    apart. All labels of a file are shortened in the same way.

    Args:
        names: In full, in the order of the channels.

    >>> edf_labels(["EMG left abductor hallucis 1", "EMG left abductor hallucis 2"])
    ('EMG L AbH 1', 'EMG L AbH 2')
    """
    plain = [_as_emg(_ascii(name)) for name in names]
    ways: list[Callable[[str], str]] = [str, _abbreviated, *(_cut_to(length) for length in (8, 6, 5, 4, 3))]
    for way in ways:
        labels = tuple(way(name) for name in plain)
        if max(map(len, labels), default=0) <= _ROOM and len(set(labels)) == len(labels):
            return labels
    ends = [f" {number}" for number in range(1, len(plain) + 1)]
    return tuple(_abbreviated(name)[: _ROOM - len(end)].rstrip() + end for name, end in zip(plain, ends, strict=True))


def transducer_of(name: str) -> str:
    """Return a transducer text that tells a channel's name in full."""
    return _TRANSDUCER_START + name


def full_labels(labels: Sequence[str], transducers: Sequence[str]) -> tuple[str, ...]:
    """Return the names in full of the signals of a file written here; a label that was changed since stays."""
    told = [text.removeprefix(_TRANSDUCER_START) for text in transducers]
    ours = [index for index, text in enumerate(transducers) if text.startswith(_TRANSDUCER_START)]
    expected = dict(zip(ours, edf_labels([told[index] for index in ours]), strict=True))
    return tuple(
        told[index] if index in expected and (label == expected[index] or told[index].startswith(label)) else label
        for index, label in enumerate(labels)
    )


def _ascii(name: str) -> str:
    """Return a name without accents and whatever else printable ASCII lacks."""
    letters = unicodedata.normalize("NFKD", name.replace("\N{LATIN SMALL LETTER SHARP S}", "ss"))
    plain = letters.encode("ascii", "ignore").decode()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())


def _as_emg(name: str) -> str:
    return name if re.match(r"EMG\b", name) else f"EMG {name}".rstrip()


def _abbreviated(name: str) -> str:
    for words, short in (*_MUSCLES.items(), *_SIDES.items()):
        name = re.sub(rf"\b{words}\b", short, name, flags=re.IGNORECASE)
    return name


def _cut_to(length: int) -> Callable[[str], str]:
    def cut(name: str) -> str:
        return " ".join(word[:length] for word in _abbreviated(name).split())

    return cut
