"""Writing EDF+ and BDF+ a few data records at a time, with annotations and gaps.

EDF has no code for a missing sample: it is written as the count just below the declared digital range, which crampwatch
reads back as missing, and the gap is annotated as `no data` for all other programs.

The header comes first in the file and cannot be changed later, so everything in it must be known before the first
sample is written: the number of samples (counted by a pass over the recording if it is unknown), the step of a count,
and the room for annotations in each data record. Annotations are spread over the records in order, from the first on.
Gaps are only found while writing, which is why each record has some spare room for them.
"""

import logging
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.edf.header import EdfHeader, EdfSignal, encode_header
from crampwatch.recordings.edf.label import edf_labels, transducer_text
from crampwatch.recordings.edf.mark import MISSING_16, MISSING_24, EdfMark, encode_mark
from crampwatch.recordings.edf.tal import encode_tal
from crampwatch.recordings.format import Progress
from crampwatch.recordings.gaps import GapFinder
from crampwatch.recordings.recording import Recording, Samples
from numpy.typing import NDArray

__all__ = ["write_edf"]

_LONGEST_RECORD_S = 10
"""Long enough that any rate with one decimal has a whole number of samples in a record."""
_BLOCK_S = 64.0
"""Written at once; memory use is proportional to it: 64 s of two channels at 1 kHz take 1 MB."""
_LARGEST_VALUE = 9_999_999
"""The largest magnitude that a header field of 8 characters holds with its sign."""
_LARGEST_C = 100.0
"""Range of skin temperature: in 16 bits it has steps of 0.003 degC."""
_TIMEKEEPING_BYTES = 32
"""The entry that states when a record starts, at its longest."""
_GAP_BYTES = 48
"""Room in each record for annotations of gaps."""
_SHIFT_BYTES = 16
"""What an annotation may grow by when the fraction of a second before the first sample is added to its onset."""
_YEARS = range(1985, 2085)
"""What a two-digit year can express (EDF+, 2.1.3.2)."""

_log = logging.getLogger(__name__)


def write_edf(
    file: BinaryIO,
    recording: Recording,
    *,
    is_bdf: bool,
    annotations: Sequence[Annotation],
    progress: Progress | None = None,
) -> None:
    """Write a recording as EDF+C or BDF+C.

    Args:
        file: Written from its present position on.
        recording: Read once, and once more each if its length or its largest value must be known first.
        is_bdf: Whether to write 24 bits per sample instead of 16.
        annotations: In order of onset.
        progress: Called with the samples written and the total.

    Raises:
        RecordingError: The recording is empty, or does not have as many samples as it states.
    """
    count = recording.sample_count or _count_samples(recording)
    if not count:
        raise RecordingError(f"There is nothing to write: {recording.source_text} has no samples.")
    plan = _make_plan(recording, count, is_bdf=is_bdf, annotations=annotations)
    file.write(encode_header(plan.header))
    queue = deque(encode_tal(_shifted(annotation, plan.onset_s)) for annotation in annotations)
    gaps = GapFinder(recording.stream.rate_hz)
    done = 0
    block_records = max(1, round(_BLOCK_S / plan.record.duration_s))
    for chunk in recording.chunks(plan.record.samples * block_records):
        new_gaps = gaps.push(chunk) + (gaps.finish() if done + len(chunk) >= count else [])
        queue.extend(encode_tal(_shifted(gap, plan.onset_s)) for gap in new_gaps)
        file.write(_encode_records(plan, recording, chunk, done // plan.record.samples, queue))
        done += len(chunk)
        if progress is not None:
            progress(done, count)
    if done != count:
        raise RecordingError(f"{recording.source_text} states {count} samples and has {done}.")
    if queue:
        _log.warning("%d annotations of gaps did not fit; the missing samples themselves are marked", len(queue))


@dataclass(frozen=True, slots=True)
class _Coding:
    """Converts values to counts.

    Attributes:
        is_bdf: Whether counts have 24 bits instead of 16.
        step: Value of one count.
    """

    is_bdf: bool
    step: float = 1.0

    @property
    def limit(self) -> int:
        """Largest count; in BDF a round number, whose value header fields of 8 characters can hold more precisely.

        Fewer counts if their value would not fit into such a field: a wrong range there scales every sample.
        """
        return min(8_000_000 if self.is_bdf else 32_767, int(_LARGEST_VALUE / self.step))

    @property
    def missing(self) -> int:
        """Count of a missing sample."""
        return MISSING_24 if self.is_bdf else MISSING_16

    @property
    def sample_bytes(self) -> int:
        """Size of a sample."""
        return 3 if self.is_bdf else 2

    def encode(self, values: Samples, step: float) -> NDArray[np.uint8]:
        """Encode values in steps of `step`; those beyond the limit saturate."""
        is_missing = ~np.isfinite(values)
        scaled = np.rint(np.where(is_missing, 0.0, values) / step)
        counts = np.clip(scaled, -self.limit, self.limit).astype("<i4")
        counts[is_missing] = self.missing
        # The low bytes of little-endian 32-bit integers are the 16- or 24-bit integers.
        low_bytes = counts.view(np.uint8).reshape(-1, 4)[:, : self.sample_bytes]
        return np.ascontiguousarray(low_bytes).reshape(-1)


@dataclass(frozen=True, slots=True)
class _RecordSize:
    """The size of a data record.

    Attributes:
        samples: Per channel.
        duration_s: Exactly `samples` sampling intervals.
        annotation_samples: Room for annotations, in units of a sample.
    """

    samples: int
    duration_s: float
    annotation_samples: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is decided before the first sample is written.

    Attributes:
        onset_s: Time of the first sample after the start in the header, which is a whole second.
    """

    header: EdfHeader
    coding: _Coding
    record: _RecordSize
    onset_s: float


def _make_plan(recording: Recording, count: int, *, is_bdf: bool, annotations: Sequence[Annotation]) -> _Plan:
    samples, duration_s = _samples_and_duration(recording.stream.rate_hz)
    records = -(-count // samples)
    coding = _Coding(is_bdf, _choose_step(recording, limit=_Coding(is_bdf).limit))
    record = _RecordSize(samples, duration_s, -(-_annotation_bytes(annotations, records) // coding.sample_bytes))
    start, onset_s = _split_start(recording.start_utc_ns)
    is_simulated = recording.origin is Origin.DEMO
    mark = EdfMark(is_ours=True, is_simulated=is_simulated, sample_count=count, sensor=recording.sensor)
    header = EdfHeader(
        is_bdf=is_bdf,
        patient="X X X X",
        recording=encode_mark(mark, start),
        start=start,
        reserved="BDF+C" if is_bdf else "EDF+C",
        record_count=records,
        record_s=duration_s,
        signals=_describe_signals(recording, coding, record),
    )
    return _Plan(header, coding, record, onset_s)


def _samples_and_duration(rate_hz: float) -> tuple[int, float]:
    """Return samples and seconds of a record: whole seconds if up to 10 of them hold whole samples, else about one."""
    exact = Fraction(rate_hz).limit_denominator(_LONGEST_RECORD_S)
    if abs(float(exact) - rate_hz) < 1e-9 * rate_hz:
        return exact.numerator, float(exact.denominator)
    per_record = max(1, round(rate_hz))
    return per_record, per_record / rate_hz


def _choose_step(recording: Recording, *, limit: int) -> float:
    """Return the value of one count: the step of the recording, unless its largest value would not fit."""
    step = recording.stream.lsb_uv if recording.stream.has_scale else recording.value_step
    if recording.stream.format is SampleFormat.INT16 and math.isfinite(step) and step * limit <= _LARGEST_VALUE:
        return step
    # Without a step of its own the signal gets the finest one that its largest value allows, at the cost of a pass.
    peak = max((_largest_magnitude(chunk) for chunk in recording.chunks(65_536)), default=0.0)
    if peak > _LARGEST_VALUE:
        raise RecordingError(
            f"The signal reaches {peak:g}; the header of EDF and BDF files can state at most {_LARGEST_VALUE}.",
            advice="Check the unit of the samples, or write another format.",
        )
    needed = peak / limit or 1.0
    return max(step, needed) if math.isfinite(step) else needed


def _largest_magnitude(chunk: Samples) -> float:
    return float(np.max(np.abs(chunk), initial=0.0, where=np.isfinite(chunk)))


def _annotation_bytes(annotations: Sequence[Annotation], records: int) -> int:
    """Return the room for annotations in a record: enough for all if records are filled from the first on."""
    sizes = [len(encode_tal(annotation)) + _SHIFT_BYTES for annotation in annotations]
    return _TIMEKEEPING_BYTES + _GAP_BYTES + -(-sum(sizes) // records) + max(sizes, default=0)


def _split_start(start_utc_ns: int | None) -> tuple[datetime | None, float]:
    """Return the start as a whole second and the remaining fraction; None and 0 if EDF cannot express its year."""
    if start_utc_ns is None:
        return None, 0.0
    seconds, nanoseconds = divmod(start_utc_ns, 1_000_000_000)
    try:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None, 0.0
    return (start, round(nanoseconds * 1e-9, 6)) if start.year in _YEARS else (None, 0.0)


def _describe_signals(recording: Recording, coding: _Coding, record: _RecordSize) -> tuple[EdfSignal, ...]:
    stream, limit = recording.stream, coding.limit
    names = stream.labels or tuple(f"EMG {number}" for number in range(1, stream.channels + 1))
    signals = [
        EdfSignal(
            label=label,
            unit="uV" if stream.has_scale else "",
            physical_min=-limit * coding.step,
            physical_max=limit * coding.step,
            digital_min=-limit,
            digital_max=limit,
            samples_per_record=record.samples,
            prefilter=f"HP:{stream.band_hz[0]:g}Hz LP:{stream.band_hz[1]:g}Hz" if stream.band_hz[1] > 0 else "",
            transducer=transducer_text(name),
        )
        for label, name in zip(edf_labels(names), names, strict=True)
    ]
    if _has_temperature(recording):
        samples = _temperatures_per_record(recording, record)
        signals.append(EdfSignal("Temp skin", "degC", -_LARGEST_C, _LARGEST_C, -limit, limit, samples))
    kind = "BDF" if coding.is_bdf else "EDF"
    full = -coding.missing
    return (*signals, EdfSignal(f"{kind} Annotations", "", -1, 1, -full, full - 1, record.annotation_samples))


def _encode_records(plan: _Plan, recording: Recording, chunk: Samples, first: int, queue: deque[bytes]) -> bytes:
    """Encode complete data records; the last of a recording is padded with missing samples."""
    records = -(-len(chunk) // plan.record.samples)
    padded = np.full((records * plan.record.samples, chunk.shape[1]), math.nan)
    padded[: len(chunk)] = chunk
    columns = [plan.coding.encode(padded[:, channel], plan.coding.step) for channel in range(chunk.shape[1])]
    if _has_temperature(recording):
        held = _held_temperature(plan.record, recording, first, records)
        columns.append(plan.coding.encode(held, _LARGEST_C / plan.coding.limit))
    columns.append(_encode_annotations(plan, first, records, queue))
    return np.concatenate([column.reshape(records, -1) for column in columns], axis=1).tobytes()


def _has_temperature(recording: Recording) -> bool:
    return recording.temperature is not None and len(recording.temperature.values_c) > 0


def _temperatures_per_record(recording: Recording, record: _RecordSize) -> int:
    assert recording.temperature is not None
    return max(1, round(recording.temperature.rate_hz * record.duration_s))


def _held_temperature(record: _RecordSize, recording: Recording, first: int, records: int) -> Samples:
    """Return the temperature resampled to a whole number of values per record, each held until the next."""
    assert recording.temperature is not None
    values, rate_hz = recording.temperature
    samples = _temperatures_per_record(recording, record)
    at_s = np.arange(first * samples, (first + records) * samples) * (record.duration_s / samples)
    index = np.floor(at_s * rate_hz + 1e-6).astype(np.int64)
    return np.where(index < len(values), values[np.minimum(index, len(values) - 1)], math.nan)


def _encode_annotations(plan: _Plan, first: int, records: int, queue: deque[bytes]) -> NDArray[np.uint8]:
    room = plan.record.annotation_samples * plan.coding.sample_bytes
    column = np.zeros((records, room), np.uint8)
    for row in range(records):
        text = encode_tal(Annotation(plan.onset_s + (first + row) * plan.record.duration_s, None, ""))
        while queue and len(text) + len(queue[0]) <= room:
            text += queue.popleft()
        column[row, : len(text)] = np.frombuffer(text, np.uint8)
    return column.reshape(-1)


def _shifted(annotation: Annotation, onset_s: float) -> Annotation:
    return Annotation(annotation.onset_s + onset_s, annotation.duration_s, annotation.text)


def _count_samples(recording: Recording) -> int:
    return sum(len(chunk) for chunk in recording.chunks(65_536))
