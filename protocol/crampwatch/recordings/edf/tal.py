"""Time-stamped annotations lists (TAL): how EDF+ stores annotations beside the samples.

A TAL is ``onset [0x15 duration] 0x14 text 0x14 0x00``, with onset and duration as decimal seconds (EDF+, 2.2.2). Each
data record opens with one that has no text and only states when the record starts ("timekeeping").
https://www.edfplus.info/specs/edfplus.html#edfplusannotations
"""

import re

from crampwatch.recordings.annotation import Annotation

__all__ = ["decode_onset", "decode_tals", "encode_tal"]

_TAL = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15(\d{1,12}(?:\.\d{0,12})?))?\x14([^\x00]*?)\x14\x00", re.DOTALL)
"""Digits are bounded: a damaged file must not make Python parse a number of a million digits."""


def encode_tal(annotation: Annotation) -> bytes:
    """Encode one annotation as a TAL; control characters in its text become spaces."""
    text = "".join(letter if letter.isprintable() else " " for letter in annotation.text)
    duration = "" if annotation.duration_s is None else f"\x15{_decimal_seconds(annotation.duration_s)}"
    sign = "-" if annotation.onset_s < 0 else "+"
    return f"{sign}{_decimal_seconds(abs(annotation.onset_s))}{duration}\x14{text}\x14\x00".encode()


def decode_tals(raw: bytes) -> list[Annotation]:
    """Decode all annotations of a data record, without the timekeeping entry."""
    return [
        Annotation(float(onset), float(duration) if duration else None, text.decode("utf-8", "replace"))
        for onset, duration, texts in _TAL.findall(raw)
        for text in texts.split(b"\x14")
        if text
    ]


def decode_onset(raw: bytes) -> float | None:
    """Return when a data record starts: the onset of its first entry, or None if it has none."""
    found = _TAL.match(raw)
    return float(found[1]) if found else None


def _decimal_seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
