"""The header file of a WFDB record, as PhysioNet's header(5) describes it.

https://physionet.org/physiotools/wag/header-5.htm
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.wfdb.samples import BITS

__all__ = ["WfdbHeader", "WfdbSignal", "decode_header", "is_header"]

_RECORD = re.compile(r"(\S+?)(/\d+)?\s+(\d{1,4})(?:\s+(.*))?$", re.ASCII)
_SIGNAL = re.compile(r"(\S+)\s+(\d{1,4})(?:x(\d{1,4}))?(?::(\d{1,9}))?(?:\+(\d{1,12}))?(?:\s+(.*))?$", re.ASCII)
_GAIN = re.compile(r"([-+]?[\d.]+(?:[eE][-+]?\d+)?)(?:\((-?\d+)\))?(?:/(\S+))?$", re.ASCII)
_MOST_SIGNALS = 1024
_DEFAULT_RATE_HZ = 250.0
_ADVICE = "Check that the .hea file is whole and belongs to a WFDB record; convert other kinds to EDF."


@dataclass(frozen=True, slots=True)
class WfdbSignal:
    """One signal of a record.

    Attributes:
        file_name: Signal file, in the header's folder.
        format: How samples are stored, a key of `wfdb_samples.BITS`.
        samples_per_frame: Samples for each tick of the record's rate.
        file_offset: Octets before the first sample.
        gain: Counts per unit; NaN where the record is not calibrated.
        baseline: Count of physical zero.
        unit: Physical unit; mV where not told, empty where not calibrated.
        first_count: First sample; None where not told.
        checksum: Sum of all samples modulo 65536; None where not told.
        label: Description.
    """

    file_name: str
    format: int
    samples_per_frame: int
    file_offset: int
    gain: float
    baseline: int
    unit: str
    first_count: int | None
    checksum: int | None
    label: str


@dataclass(frozen=True, slots=True)
class WfdbHeader:
    """A record.

    Attributes:
        name: The record's name.
        rate_hz: Frames a second.
        sample_count: Frames; None where not told.
        start: Clock time of the start, UTC assumed; None where not told.
        signals: In file order.
    """

    name: str
    rate_hz: float
    sample_count: int | None
    start: datetime | None
    signals: tuple[WfdbSignal, ...]


def is_header(head: bytes) -> bool:
    """Tell whether text begins with a record line and a signal line that belongs to it."""
    lines = _content(head.decode("latin-1"))[:2]
    if len(lines) < 2 or not _RECORD.match(lines[0]):
        return False
    signal = _SIGNAL.match(lines[1])
    # A table of numbers has no file names.
    return signal is not None and re.search(r"[A-Za-z~]", signal[1]) is not None


def decode_header(text: str) -> WfdbHeader:
    """Decode a header.

    Raises:
        RecordingError: It is no header, names several segments, or stores samples in a way not read here.
    """
    lines = _content(text)
    record = _RECORD.match(lines[0]) if lines else None
    if record is None:
        met = repr(lines[0][:60]) if lines else "nothing"
        raise RecordingError(f"The WFDB header begins with {met} where the record should be named.", advice=_ADVICE)
    if record[2]:
        raise RecordingError(
            f"The WFDB record {record[1]} consists of several segments, which are not read as one.",
            advice="Name the header of one segment.",
        )
    count = int(record[3])
    if not 1 <= count <= _MOST_SIGNALS or len(lines) < 1 + count:
        raise RecordingError(
            f"The WFDB header promises {count} signals and describes {len(lines) - 1}.", advice=_ADVICE
        )
    rest = (record[4] or "").split()
    return WfdbHeader(
        name=record[1],
        rate_hz=_rate(rest[0]) if rest else _DEFAULT_RATE_HZ,
        sample_count=(_whole(rest[1], "number of samples") or None) if len(rest) > 1 else None,
        start=_start(rest[2:4]),
        signals=tuple(_signal(line) for line in lines[1 : 1 + count]),
    )


def _content(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _rate(text: str) -> float:
    """Return the rate in front of an optional counter frequency, as in 360/25(0)."""
    try:
        return float(text.partition("/")[0])
    except ValueError as error:
        raise RecordingError(f"The WFDB header states the rate {text[:40]!r}.", advice=_ADVICE) from error


def _start(words: list[str]) -> datetime | None:
    if len(words) < 2:
        return None
    time, _, fraction = words[0].partition(".")
    try:
        clock = [int(part) for part in time.split(":")]
        day, month, year = (int(part) for part in words[1].split("/"))
        hour, minute, second = [0] * (3 - len(clock)) + clock
        return datetime(year, month, day, hour, minute, second, round(float(f"0.{fraction or 0}") * 1e6), UTC)
    except (ValueError, OverflowError):
        return None


def _signal(line: str) -> WfdbSignal:
    found = _SIGNAL.match(line)
    if found is None:
        raise RecordingError(f"The WFDB header describes a signal as {line[:80]!r}.", advice=_ADVICE)
    number = int(found[2])
    if number not in BITS:
        known = ", ".join(map(str, sorted(BITS)))
        raise RecordingError(f"Its samples are stored in WFDB format {number}; {known} are read.", advice=_ADVICE)
    if int(found[4] or 0):
        raise RecordingError(f"A signal is skewed by {found[4]} samples, which is not corrected for.", advice=_ADVICE)
    if re.search(r"[/\\]", found[1]) or found[1] in {"..", ".", "~", "-"}:
        raise RecordingError(f"The signal file {found[1][:80]!r} is not in the header's folder.", advice=_ADVICE)
    words = (found[6] or "").split(None, 6)
    gain, baseline, unit = _gain(words[0]) if words else (math.nan, None, "")
    numbers = [_whole(word, "description of a signal") for word in words[1:6]]
    adc_zero = numbers[1] if len(numbers) > 1 else 0
    return WfdbSignal(
        file_name=found[1],
        format=number,
        samples_per_frame=max(1, int(found[3] or 1)),
        file_offset=int(found[5] or 0),
        gain=gain,
        baseline=adc_zero if baseline is None else baseline,
        unit=unit,
        first_count=numbers[2] if len(numbers) > 2 else None,
        checksum=numbers[3] if len(numbers) > 3 else None,
        label=words[6].strip() if len(words) > 6 else "",
    )


def _gain(text: str) -> tuple[float, int | None, str]:
    """Return counts per unit, the count of zero and the unit; a gain of 0 means not calibrated."""
    found = _GAIN.match(text)
    try:
        gain = float(found[1]) if found else math.inf
    except ValueError:
        gain = math.inf
    if found is None or not math.isfinite(gain):
        raise RecordingError(f"The WFDB header states the gain {text[:40]!r}.", advice=_ADVICE)
    baseline = int(found[2]) if found[2] and len(found[2]) < 12 else None
    return (math.nan, baseline, "") if gain == 0 else (gain, baseline, found[3] or "mV")


def _whole(text: str, what: str) -> int:
    if not re.fullmatch(r"[-+]?\d{1,12}", text, re.ASCII):
        raise RecordingError(f"The WFDB header holds {text[:40]!r} in the {what}.", advice=_ADVICE)
    return int(text)
