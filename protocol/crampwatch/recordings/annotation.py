"""A remark on a stretch of a recording, and how EDF+ writes it."""

import re
from dataclasses import dataclass

__all__ = ["Annotation", "decode_onset", "decode_tals", "encode_tal"]

_TAL = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15(\d{1,12}(?:\.\d{0,12})?))?\x14([^\x00]*?)\x14\x00", re.DOTALL)
"""A time-stamped annotations list: onset, perhaps a duration, texts (EDF+, 2.2.2)."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark on a stretch of a recording.

    Attributes:
        onset_s: Seconds from the first sample.
        duration_s: Length of the stretch; None for an instant.
        text: What is remarked.
    """

    onset_s: float
    duration_s: float | None
    text: str


def encode_tal(annotation: Annotation) -> bytes:
    """Return the time-stamped annotations list of one annotation; control characters become spaces."""
    text = "".join(letter if letter.isprintable() else " " for letter in annotation.text)
    duration = "" if annotation.duration_s is None else f"\x15{_seconds(annotation.duration_s)}"
    sign = "-" if annotation.onset_s < 0 else "+"
    return f"{sign}{_seconds(abs(annotation.onset_s))}{duration}\x14{text}\x14\x00".encode()


def decode_tals(raw: bytes) -> list[Annotation]:
    """Read all annotations of a data record; the timekeeping entry, which has no text, is left out."""
    return [
        Annotation(float(onset), float(duration) if duration else None, text.decode("utf-8", "replace"))
        for onset, duration, texts in _TAL.findall(raw)
        for text in texts.split(b"\x14")
        if text
    ]


def decode_onset(raw: bytes) -> float | None:
    """Return the start of a data record, the onset of its first entry; None where there is none."""
    found = _TAL.match(raw)
    return float(found[1]) if found else None


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
