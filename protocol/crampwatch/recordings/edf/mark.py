"""What this product notes in the recording identification of the EDF files it writes."""

import re
from dataclasses import dataclass
from datetime import datetime

__all__ = ["MISSING_16", "MISSING_24", "EdfMark", "decode_mark", "encode_mark"]

MISSING_16 = -32_768
"""EDF has no code for a missing sample; ours lies just outside of the digital range our headers declare."""
MISSING_24 = -8_388_608
"""The same in BDF."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class EdfMark:
    """What a file says about having been written here.

    Attributes:
        is_ours: Whether the missing-sample code holds.
        is_simulated: Whether the signal was simulated.
        sample_count: Samples before the padding of the last data record; None where not told.
        sensor: Which one recorded it; empty where not told.
    """

    is_ours: bool = False
    is_simulated: bool = False
    sample_count: int | None = None
    sensor: str = ""


def encode_mark(mark: EdfMark, start: datetime | None) -> str:
    """Return a recording identification in the form of EDF+ (2.1.3.3), our words after the standard's four."""
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
    """Read the mark from a recording identification; that of other programs gives an empty mark."""
    words = recording.split()[4:]
    if "crampwatch" not in words:
        return EdfMark()
    count = re.search(r"\bsamples=(\d{1,15})\b", recording, re.ASCII)
    return EdfMark(
        is_ours=True, is_simulated="simulated" in words, sample_count=int(count[1]) if count and int(count[1]) else None
    )
