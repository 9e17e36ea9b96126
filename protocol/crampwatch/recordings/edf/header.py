"""The header of EDF, EDF+, BDF and BDF+ files: fixed-width text fields.

EDF: Kemp et al., Electroenceph. Clin. Neurophysiol. 82 (1992) 391; EDF+: Kemp and Olivan, Clin. Neurophysiol. 114
(2003) 1755, https://www.edfplus.info/specs; BDF is EDF with 24-bit samples, https://www.biosemi.com/faq/file_format.htm.
"""

import contextlib
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from crampwatch.protocol.errors import RecordingError

__all__ = ["EdfHeader", "EdfSignal", "decode_header", "encode_header", "is_edf", "total_header_octets"]

BDF_VERSION = b"\xffBIOSEMI"
_EDF_VERSION = b"0       "
_FIXED_OCTETS = 256
_SIGNAL_OCTETS = 256
_MOST_SIGNALS = 4096
"""The field has room for 9999; no recorder writes as many."""

_SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples_per_record": 8,
    "reserved": 32,
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EDF_EPOCH_YEAR = 1985
"""Two-digit years from 85 on belong to the last century (EDF+, 2.1.3.2)."""


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """One signal of an EDF file, as its header describes it.

    Attributes:
        label: Name, at most 16 characters.
        unit: Physical dimension as printed.
        physical_min: Value of `digital_min`, in `unit`; NaN where the header holds no number.
        physical_max: Value of `digital_max`, in `unit`; NaN likewise.
        digital_min: Smallest count; NaN likewise.
        digital_max: Largest count; NaN likewise.
        samples_per_record: Samples in each data record.
        prefilter: Filters of the recorder, such as `HP:10Hz LP:500Hz`.
        transducer: What was recorded with, in up to 80 characters.
    """

    label: str
    unit: str
    physical_min: float
    physical_max: float
    digital_min: float
    digital_max: float
    samples_per_record: int
    prefilter: str = ""
    transducer: str = ""

    @property
    def is_annotations(self) -> bool:
        """Whether it holds annotations in place of samples."""
        return self.label in {"EDF Annotations", "BDF Annotations"}

    @property
    def unit_per_count(self) -> float:
        """Physical units of one count; NaN where the header's ranges make no scale."""
        span = self.digital_max - self.digital_min
        if not span > 0 or self.physical_max == self.physical_min:
            return math.nan
        return (self.physical_max - self.physical_min) / span

    @property
    def unit_at_zero(self) -> float:
        """Physical value of count 0; NaN where the header's ranges make no scale."""
        return self.physical_min - self.digital_min * self.unit_per_count


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What stands before the samples.

    Attributes:
        is_bdf: Whether samples have 24 bits in place of 16.
        patient: Patient identification.
        recording: Recording identification.
        start: Clock time of the start; the file tells no time zone, UTC is assumed. None where it is not told.
        reserved: `EDF+C`, `EDF+D`, `BDF+C`, `BDF+D`, or anything else in plain files.
        record_count: Data records as stated; -1 while recording.
        record_s: Duration of a data record; NaN where the header holds no number.
        signals: In file order.
        stated_octets: Length of the header as the file states it, or -1.
    """

    is_bdf: bool
    patient: str
    recording: str
    start: datetime | None
    reserved: str
    record_count: int
    record_s: float
    signals: tuple[EdfSignal, ...]
    stated_octets: int = field(default=-1)

    @property
    def octets(self) -> int:
        """Length of the header."""
        return _FIXED_OCTETS + _SIGNAL_OCTETS * len(self.signals)

    @property
    def sample_octets(self) -> int:
        """Octets of a sample."""
        return 3 if self.is_bdf else 2

    @property
    def record_octets(self) -> int:
        """Octets of a data record."""
        return self.sample_octets * sum(signal.samples_per_record for signal in self.signals)

    @property
    def is_discontinuous(self) -> bool:
        """Whether time may jump between data records (EDF+D, BDF+D)."""
        return self.reserved[:5] in {"EDF+D", "BDF+D"}

    @property
    def format_name(self) -> str:
        """What people call the format."""
        base = "BDF" if self.is_bdf else "EDF"
        return self.reserved[:5] if self.reserved.startswith(base + "+") else base


def is_edf(head: bytes) -> bool:
    """Tell whether a file begins like EDF or BDF, up to the number of signals."""
    if head.startswith(BDF_VERSION):
        return True
    return head.startswith(_EDF_VERSION) and re.fullmatch(rb"[0-9 ]{8}", head[184:192]) is not None


def total_header_octets(head: bytes) -> int:
    """Return how long the header is, from its first 256 octets.

    Raises:
        RecordingError: It is cut short or its number of signals makes no sense.
    """
    if len(head) < _FIXED_OCTETS:
        raise RecordingError(f"The EDF header ends after {len(head)} octets; even the shortest has 512.")
    signals = _integer(head[252:256], "number of signals")
    if not 1 <= signals <= _MOST_SIGNALS:
        raise RecordingError(f"The EDF header claims {signals} signals; expected 1 to {_MOST_SIGNALS}.")
    return _FIXED_OCTETS + _SIGNAL_OCTETS * signals


def decode_header(raw: bytes) -> EdfHeader:
    """Decode a whole header; fields that only matter for some signals are NaN where they make no sense.

    Raises:
        RecordingError: It is cut short, or what holds for the whole file makes no sense.
    """
    octets = total_header_octets(raw)
    if len(raw) < octets:
        raise RecordingError(f"The EDF header ends after {len(raw)} octets; its signals need {octets}.")
    recording = _text(raw[88:168])
    return EdfHeader(
        is_bdf=raw.startswith(BDF_VERSION),
        patient=_text(raw[8:88]),
        recording=recording,
        start=_start(_text(raw[168:176]), _text(raw[176:184]), recording),
        reserved=_text(raw[192:236]),
        record_count=_integer(raw[236:244], "number of data records"),
        record_s=_number(raw[244:252]),
        signals=_signals(raw[_FIXED_OCTETS:octets], (octets - _FIXED_OCTETS) // _SIGNAL_OCTETS),
        stated_octets=_integer(raw[184:192], "length of the header"),
    )


def encode_header(header: EdfHeader) -> bytes:
    """Encode a header for writing; text beyond ASCII is replaced and what is too long for its field is cut."""
    start = header.start or datetime(_EDF_EPOCH_YEAR, 1, 1, tzinfo=UTC)
    fixed = (
        (BDF_VERSION if header.is_bdf else _EDF_VERSION)
        + _field(header.patient, 80)
        + _field(header.recording, 80)
        + _field(start.strftime("%d.%m.%y"), 8)
        + _field(start.strftime("%H.%M.%S"), 8)
        + _field(str(header.octets), 8)
        + _field(header.reserved, 44)
        + _field(str(header.record_count), 8)
        + _field(shortest_number(header.record_s), 8)
        + _field(str(len(header.signals)), 4)
    )
    columns = [_signal_values(signal) for signal in header.signals]
    rest = (_field(column[name], width) for name, width in _SIGNAL_FIELDS.items() for column in columns)
    return fixed + b"".join(rest)


def shortest_number(value: float) -> str:
    """Return a number in at most 8 characters, as exactly as they allow.

    >>> shortest_number(6389.565), shortest_number(-1 / 3)
    ('6389.565', '-0.33333')
    """
    if value == round(value) and abs(value) < 1e7:
        return str(round(value))
    for digits in range(8, 0, -1):
        text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
        if len(text) <= 8:
            return text
    return f"{value:.0f}"[:8]


def _signal_values(signal: EdfSignal) -> dict[str, str]:
    return {
        "label": signal.label,
        "transducer": signal.transducer,
        "unit": signal.unit,
        "physical_min": shortest_number(signal.physical_min),
        "physical_max": shortest_number(signal.physical_max),
        "digital_min": shortest_number(signal.digital_min),
        "digital_max": shortest_number(signal.digital_max),
        "prefilter": signal.prefilter,
        "samples_per_record": str(signal.samples_per_record),
        "reserved": "",
    }


def _signals(raw: bytes, count: int) -> tuple[EdfSignal, ...]:
    columns: dict[str, list[bytes]] = {}
    at = 0
    for name, width in _SIGNAL_FIELDS.items():
        columns[name] = [raw[at + i * width : at + (i + 1) * width] for i in range(count)]
        at += width * count
    return tuple(_signal({name: column[i] for name, column in columns.items()}) for i in range(count))


def _signal(fields: dict[str, bytes]) -> EdfSignal:
    label = _text(fields["label"])
    samples = _integer(fields["samples_per_record"], f"samples a record of {label!r}")
    if samples < 0:
        raise RecordingError(f"The EDF header claims {samples} samples a record of {label!r}.")
    return EdfSignal(
        label=label,
        unit=_text(fields["unit"]),
        physical_min=_number(fields["physical_min"]),
        physical_max=_number(fields["physical_max"]),
        digital_min=_number(fields["digital_min"]),
        digital_max=_number(fields["digital_max"]),
        samples_per_record=samples,
        prefilter=_text(fields["prefilter"]),
        transducer=_text(fields["transducer"]),
    )


def _start(date: str, time: str, recording: str) -> datetime | None:
    """Return the start; the four-digit year of EDF+ wins, and an anonymised date is no date."""
    digits = [re.fullmatch(r"\D*(\d\d?)\D(\d\d?)\D(\d\d)\D*", text) for text in (date, time)]
    if digits[0] is None or digits[1] is None:
        return None
    day, month, year = (int(group) for group in digits[0].groups())
    year += 1900 if year >= _EDF_EPOCH_YEAR % 100 else 2000
    stated = re.match(r"Startdate (\d\d)-([A-Za-z]{3})-(\d{4})", recording)
    if stated and stated[2].upper() in _MONTHS:
        day, month, year = int(stated[1]), _MONTHS.index(stated[2].upper()) + 1, int(stated[3])
    elif (day, month, year) == (1, 1, _EDF_EPOCH_YEAR):
        return None
    with contextlib.suppress(ValueError):
        hour, minute, second = (int(group) for group in digits[1].groups())
        return datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)
    return None


def _text(raw: bytes) -> str:
    """Decode a field; recorders write Latin-1 and UTF-8 where the standard says ASCII."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _integer(raw: bytes, what: str) -> int:
    text = _text(raw)
    if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.0*)?", text, re.ASCII):
        raise RecordingError(
            f"The EDF header holds {text!r} where the {what} should stand.",
            advice="The file is damaged or is no EDF; copy it again from the recorder.",
        )
    return int(text.split(".")[0])


def _number(raw: bytes) -> float:
    try:
        value = float(_text(raw).replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _field(text: str, width: int) -> bytes:
    return text.encode("ascii", "replace")[:width].ljust(width)
