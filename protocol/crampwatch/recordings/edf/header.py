"""The header of EDF, EDF+, BDF and BDF+ files: fixed-width text fields.

256 bytes describe the file (version, patient, recording, start, number and duration of the data records, number of
signals), then 256 bytes per signal, stored field by field: all labels, all transducers, all units, and so on. A data
record holds, for each signal in turn, its samples as little-endian integers of 16 (EDF) or 24 bits (BDF).

What concerns the whole file must make sense, or nothing can be read. A number that only concerns one signal becomes
NaN if it makes no sense, so that a file with one broken signal remains readable.

EDF: Kemp et al., Electroenceph. Clin. Neurophysiol. 82 (1992) 391; EDF+: Kemp and Olivan, Clin. Neurophysiol. 114
(2003) 1755, https://www.edfplus.info/specs; BDF is EDF with 24-bit samples,
https://www.biosemi.com/faq/file_format.htm.
"""

import contextlib
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from crampwatch.protocol.errors import RecordingError

__all__ = ["EdfHeader", "EdfSignal", "decode_header", "encode_header", "is_edf", "total_header_bytes"]

BDF_VERSION = b"\xffBIOSEMI"
_EDF_VERSION = b"0       "
_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_MOST_SIGNALS = 4096
"""The field has room for 9999; no recorder writes that many."""

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
        label: At most 16 characters, except where the full name was restored from `transducer`.
        unit: Physical dimension as the file spells it.
        physical_min: Value of `digital_min`, in `unit`; NaN where the header holds no number.
        physical_max: Value of `digital_max`, in `unit`; NaN if it cannot be read.
        digital_min: Smallest count; NaN if it cannot be read.
        digital_max: Largest count; NaN if it cannot be read.
        samples_per_record: Samples in each data record.
        prefilter: Filters of the recorder, such as `HP:10Hz LP:500Hz`.
        transducer: Electrodes or sensor, up to 80 characters.
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
        """Whether it holds annotations instead of samples."""
        return self.label in {"EDF Annotations", "BDF Annotations"}

    @property
    def unit_per_count(self) -> float:
        """Physical units per count; NaN if the ranges in the header define no scale."""
        span = self.digital_max - self.digital_min
        if not span > 0 or self.physical_max == self.physical_min:
            return math.nan
        return (self.physical_max - self.physical_min) / span

    @property
    def unit_at_zero(self) -> float:
        """Physical value of count 0; NaN if the ranges in the header define no scale."""
        return self.physical_min - self.digital_min * self.unit_per_count


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """The decoded header of a file.

    Attributes:
        is_bdf: Whether samples have 24 bits instead of 16.
        patient: Patient identification.
        recording: Recording identification.
        start: The file states no time zone; UTC is assumed. None if not stated.
        reserved: Begins with `EDF+C`, `EDF+D`, `BDF+C` or `BDF+D` (continuous or not); anything in plain files.
        record_count: Data records as stated; -1 in a file that was never finished.
        record_s: Duration of a data record; NaN if the header holds no number.
        signals: In file order.
        stated_bytes: Size of the header as the file states it, or -1.
    """

    is_bdf: bool
    patient: str
    recording: str
    start: datetime | None
    reserved: str
    record_count: int
    record_s: float
    signals: tuple[EdfSignal, ...]
    stated_bytes: int = field(default=-1)

    @property
    def total_bytes(self) -> int:
        """Size of the header."""
        return _FIXED_BYTES + _SIGNAL_BYTES * len(self.signals)

    @property
    def sample_bytes(self) -> int:
        """Size of a sample."""
        return 3 if self.is_bdf else 2

    @property
    def record_bytes(self) -> int:
        """Size of a data record."""
        return self.sample_bytes * sum(signal.samples_per_record for signal in self.signals)

    @property
    def is_discontinuous(self) -> bool:
        """Whether time may jump between data records (EDF+D, BDF+D)."""
        return self.reserved[:5] in {"EDF+D", "BDF+D"}

    @property
    def format_name(self) -> str:
        """EDF, EDF+C, EDF+D, BDF, BDF+C or BDF+D."""
        base = "BDF" if self.is_bdf else "EDF"
        return self.reserved[:5] if self.reserved.startswith(base + "+") else base


def is_edf(head: bytes) -> bool:
    """Return whether a file begins like EDF or BDF: version, and a number as the size of the header."""
    if head.startswith(BDF_VERSION):
        return True
    return head.startswith(_EDF_VERSION) and re.fullmatch(rb"[0-9 ]{8}", head[184:192]) is not None


def total_header_bytes(head: bytes) -> int:
    """Return the size of the header, from its first 256 bytes.

    Raises:
        RecordingError: It is cut short or its number of signals makes no sense.
    """
    if len(head) < _FIXED_BYTES:
        raise RecordingError(f"The EDF header ends after {len(head)} bytes; even the shortest has 512.")
    signals = _parse_integer(head[252:256], "number of signals")
    if not 1 <= signals <= _MOST_SIGNALS:
        raise RecordingError(f"The EDF header claims {signals} signals; expected 1 to {_MOST_SIGNALS}.")
    return _FIXED_BYTES + _SIGNAL_BYTES * signals


def decode_header(raw: bytes) -> EdfHeader:
    """Decode a complete header.

    Raises:
        RecordingError: It is cut short, or a field that concerns the whole file makes no sense.
    """
    size = total_header_bytes(raw)
    if len(raw) < size:
        raise RecordingError(f"The EDF header ends after {len(raw)} bytes; its signals need {size}.")
    recording = _decode_text(raw[88:168])
    return EdfHeader(
        is_bdf=raw.startswith(BDF_VERSION),
        patient=_decode_text(raw[8:88]),
        recording=recording,
        start=_parse_start(_decode_text(raw[168:176]), _decode_text(raw[176:184]), recording),
        reserved=_decode_text(raw[192:236]),
        record_count=_parse_integer(raw[236:244], "number of data records"),
        record_s=_parse_number(raw[244:252]),
        signals=_decode_signals(raw[_FIXED_BYTES:size], (size - _FIXED_BYTES) // _SIGNAL_BYTES),
        stated_bytes=_parse_integer(raw[184:192], "length of the header"),
    )


def encode_header(header: EdfHeader) -> bytes:
    """Encode a header; characters beyond ASCII are replaced and text too long for its field is cut."""
    start = header.start or datetime(_EDF_EPOCH_YEAR, 1, 1, tzinfo=UTC)
    fixed = (
        (BDF_VERSION if header.is_bdf else _EDF_VERSION)
        + _encode_field(header.patient, 80)
        + _encode_field(header.recording, 80)
        + _encode_field(start.strftime("%d.%m.%y"), 8)
        + _encode_field(start.strftime("%H.%M.%S"), 8)
        + _encode_field(str(header.total_bytes), 8)
        + _encode_field(header.reserved, 44)
        + _encode_field(str(header.record_count), 8)
        + _encode_field(shortest_number(header.record_s), 8)
        + _encode_field(str(len(header.signals)), 4)
    )
    columns = [_signal_values(signal) for signal in header.signals]
    rest = (_encode_field(column[name], width) for name, width in _SIGNAL_FIELDS.items() for column in columns)
    return fixed + b"".join(rest)


def shortest_number(value: float) -> str:
    """Return a number in at most 8 characters, as precisely as they allow; ValueError if its whole part is longer.

    >>> shortest_number(6389.565), shortest_number(-1 / 3)
    ('6389.565', '-0.33333')
    """
    if value == round(value) and abs(value) < 1e7:
        return str(round(value))
    for digits in range(8, -1, -1):
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if digits else text
        if len(text) <= 8:
            return text
    raise ValueError(f"{value:g} does not fit into a field of 8 characters")


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


def _decode_signals(raw: bytes, count: int) -> tuple[EdfSignal, ...]:
    columns: dict[str, list[bytes]] = {}
    at = 0
    for name, width in _SIGNAL_FIELDS.items():
        columns[name] = [raw[at + i * width : at + (i + 1) * width] for i in range(count)]
        at += width * count
    return tuple(_decode_signal({name: column[i] for name, column in columns.items()}) for i in range(count))


def _decode_signal(fields: dict[str, bytes]) -> EdfSignal:
    label = _decode_text(fields["label"])
    samples = _parse_integer(fields["samples_per_record"], f"samples per record of {label!r}")
    if samples < 0:
        raise RecordingError(f"The EDF header claims {samples} samples per record of {label!r}.")
    return EdfSignal(
        label=label,
        unit=_decode_text(fields["unit"]),
        physical_min=_parse_number(fields["physical_min"]),
        physical_max=_parse_number(fields["physical_max"]),
        digital_min=_parse_number(fields["digital_min"]),
        digital_max=_parse_number(fields["digital_max"]),
        samples_per_record=samples,
        prefilter=_decode_text(fields["prefilter"]),
        transducer=_decode_text(fields["transducer"]),
    )


def _parse_start(date: str, time: str, recording: str) -> datetime | None:
    """Return the start, with the four-digit year of EDF+ if stated; None for an anonymised date (1 January 1985)."""
    groups = [re.fullmatch(r"\D*(\d\d?)\D(\d\d?)\D(\d\d)\D*", text) for text in (date, time)]
    if groups[0] is None or groups[1] is None:
        return None
    day, month, year = (int(group) for group in groups[0].groups())
    year += 1900 if year >= _EDF_EPOCH_YEAR % 100 else 2000
    stated = re.match(r"Startdate (\d\d)-([A-Za-z]{3})-(\d{4})", recording)
    if stated and stated[2].upper() in _MONTHS:
        day, month, year = int(stated[1]), _MONTHS.index(stated[2].upper()) + 1, int(stated[3])
    elif (day, month, year) == (1, 1, _EDF_EPOCH_YEAR):
        return None
    with contextlib.suppress(ValueError):
        hour, minute, second = (int(group) for group in groups[1].groups())
        return datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)
    return None


def _decode_text(raw: bytes) -> str:
    """Decode a text field; recorders write Latin-1 and UTF-8 although the standard says ASCII."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _parse_integer(raw: bytes, what: str) -> int:
    text = _decode_text(raw)
    if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.0*)?", text, re.ASCII):
        raise RecordingError(
            f"The EDF header holds {text!r} instead of the {what}.",
            advice="The file is damaged or not EDF; copy it again from the recorder.",
        )
    return int(text.split(".")[0])


def _parse_number(raw: bytes) -> float:
    try:
        value = float(_decode_text(raw).replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _encode_field(text: str, width: int) -> bytes:
    return text.encode("ascii", "replace")[:width].ljust(width)
