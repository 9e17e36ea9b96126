"""What crampwatch adds to the recording identification of the EDF files it writes.

EDF has no place for three things that reading back needs: that a count stands for a missing sample, how many samples
there are before the padding of the last data record, and that a signal was simulated. EDF+ allows further words after
the four standard ones of this field, so they go there: ``Startdate 02-MAR-2024 X X crampwatch samples=12345``.
"""

import re
from dataclasses import dataclass
from datetime import datetime

__all__ = ["MISSING_16", "MISSING_24", "EdfMark", "decode_mark", "encode_mark"]

MISSING_16 = -32_768
"""The count written for a missing sample: just below the digital range that our headers declare."""
MISSING_24 = -8_388_608
"""The same in BDF."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class EdfMark:
    """What a file states about having been written by crampwatch.

    Attributes:
        is_ours: Whether crampwatch wrote the file, so that `MISSING_16` and `MISSING_24` stand for missing samples.
        is_simulated: Whether the signal was simulated.
        sample_count: Samples before the padding of the last data record; None if not stated.
        sensor: Name of the sensor; empty if unknown. It is written, not read back.
    """

    is_ours: bool = False
    is_simulated: bool = False
    sample_count: int | None = None
    sensor: str = ""


def encode_mark(mark: EdfMark, start: datetime | None) -> str:
    """Return a recording identification in the form of EDF+ (2.1.3.3), with ours after the four standard words."""
    date = "X" if start is None else f"{start.day:02}-{_MONTHS[start.month - 1]}-{start.year:04}"
    words = ["Startdate", date, "X", "X", "crampwatch"]
    if mark.is_simulated:
        words.append("simulated")
    if mark.sample_count is not None:
        words.append(f"samples={mark.sample_count}")
    if mark.sensor:
        words.append(f"sensor={re.sub(r'[^!-~]+', '_', mark.sensor)}")
    return " ".join(words)


def decode_mark(recording: str) -> EdfMark:
    """Decode a recording identification; that of another program gives an empty mark."""
    words = recording.split()[4:]
    if "crampwatch" not in words:
        return EdfMark()
    count = re.search(r"\bsamples=(\d{1,15})\b", recording, re.ASCII)
    return EdfMark(
        is_ours=True, is_simulated="simulated" in words, sample_count=int(count[1]) if count and int(count[1]) else None
    )
