"""Decoding the header file of a WFDB record, as PhysioNet's header(5) describes it.

The first line names the record, its number of signals, frame rate, number of frames and start; one line per signal
follows, with the signal file, storage format, gain, first value and checksum. Almost everything is optional.
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
"""Of a record that states none, according to header(5)."""
_ADVICE = "Check that the .hea file is complete and belongs to a WFDB record; convert other kinds to EDF."


@dataclass(frozen=True, slots=True)
class WfdbSignal:
    """One signal of a record.

    Attributes:
        file_name: Signal file, in the folder of the header.
        format: How samples are stored, a key of `samples.BITS`.
        samples_per_frame: Samples in each frame of the record.
        file_offset: Bytes before the first sample.
        gain: Counts per unit; NaN if the record is not calibrated.
        baseline: Count of physical zero.
        unit: Physical unit; mV if not stated, empty if not calibrated.
        first_count: Value of the first sample; None if not stated.
        checksum: Sum of all samples modulo 65536; None if not stated.
        label: May be empty.
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
    """The decoded header of a record.

    Attributes:
        name: Name of the record.
        rate_hz: Frames per second.
        sample_count: Number of frames; None if not stated.
        start: UTC is assumed; None if not stated.
        signals: In file order.
    """

    name: str
    rate_hz: float
    sample_count: int | None
    start: datetime | None
    signals: tuple[WfdbSignal, ...]


def is_header(head: bytes) -> bool:
    """Return whether a file begins with a record line and a matching signal line."""
    lines = _significant_lines(head.decode("latin-1"))[:2]
    if len(lines) < 2 or not _RECORD.match(lines[0]):
        return False
    signal = _SIGNAL.match(lines[1])
    # A table of numbers has no file names.
    return signal is not None and re.search(r"[A-Za-z~]", signal[1]) is not None


def decode_header(text: str) -> WfdbHeader:
    """Decode a header.

    Raises:
        RecordingError: It is not a header, names several segments, or stores samples in a way that is not read.
    """
    lines = _significant_lines(text)
    record = _RECORD.match(lines[0]) if lines else None
    if record is None:
        met = repr(lines[0][:60]) if lines else "nothing"
        raise RecordingError(f"The WFDB header begins with {met} instead of the name of the record.", advice=_ADVICE)
    if record[2]:
        raise RecordingError(
            f"The WFDB record {record[1]} consists of several segments, which cannot be read as one recording.",
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
        rate_hz=_parse_rate(rest[0]) if rest else _DEFAULT_RATE_HZ,
        sample_count=(_parse_integer(rest[1], "number of samples") or None) if len(rest) > 1 else None,
        start=_parse_start(rest[2:4]),
        signals=tuple(_parse_signal(line) for line in lines[1 : 1 + count]),
    )


def _significant_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _parse_rate(text: str) -> float:
    """Return the frame rate, without the counter frequency that may follow as in 360/25(0)."""
    try:
        return float(text.partition("/")[0])
    except ValueError as error:
        raise RecordingError(f"The WFDB header states the rate {text[:40]!r}.", advice=_ADVICE) from error


def _parse_start(words: list[str]) -> datetime | None:
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


def _parse_signal(line: str) -> WfdbSignal:
    match = _SIGNAL.match(line)
    if match is None:
        raise RecordingError(f"The WFDB header describes a signal as {line[:80]!r}.", advice=_ADVICE)
    number = int(match[2])
    if number not in BITS:
        known = ", ".join(map(str, sorted(BITS)))
        raise RecordingError(f"The samples are stored in WFDB format {number}; readable are {known}.", advice=_ADVICE)
    if int(match[4] or 0):
        raise RecordingError(f"A signal is skewed by {match[4]} samples, which is not supported.", advice=_ADVICE)
    if re.search(r"[/\\]", match[1]) or match[1] in {"..", ".", "~", "-"}:
        raise RecordingError(f"The signal file {match[1][:80]!r} is not in the header's folder.", advice=_ADVICE)
    words = (match[6] or "").split(None, 6)
    gain, baseline, unit = _parse_gain(words[0]) if words else (math.nan, None, "")
    numbers = [_parse_integer(word, "description of a signal") for word in words[1:6]]
    adc_zero = numbers[1] if len(numbers) > 1 else 0
    return WfdbSignal(
        file_name=match[1],
        format=number,
        samples_per_frame=max(1, int(match[3] or 1)),
        file_offset=int(match[5] or 0),
        gain=gain,
        baseline=adc_zero if baseline is None else baseline,
        unit=unit,
        first_count=numbers[2] if len(numbers) > 2 else None,
        checksum=numbers[3] if len(numbers) > 3 else None,
        label=words[6].strip() if len(words) > 6 else "",
    )


def _parse_gain(text: str) -> tuple[float, int | None, str]:
    """Return counts per unit, the count of physical zero and the unit; a gain of 0 means not calibrated."""
    match = _GAIN.match(text)
    try:
        gain = float(match[1]) if match else math.inf
    except ValueError:
        gain = math.inf
    if match is None or not math.isfinite(gain):
        raise RecordingError(f"The WFDB header states the gain {text[:40]!r}.", advice=_ADVICE)
    baseline = int(match[2]) if match[2] and len(match[2]) < 12 else None
    return (math.nan, baseline, "") if gain == 0 else (gain, baseline, match[3] or "mV")


def _parse_integer(text: str, what: str) -> int:
    if not re.fullmatch(r"[-+]?\d{1,12}", text, re.ASCII):
        raise RecordingError(f"The WFDB header holds {text[:40]!r} in the {what}.", advice=_ADVICE)
    return int(text)
