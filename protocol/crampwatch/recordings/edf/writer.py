"""Writing EDF+ and BDF+ a few data records at a time, annotations inside and gaps marked.

EDF has no code for a missing sample: it is written as the count below the declared digital range, which this product
reads back as missing, and annotated as `no data` for all other programs.
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
from crampwatch.recordings.edf.label import edf_labels, transducer_of
from crampwatch.recordings.edf.mark import MISSING_16, MISSING_24, EdfMark, encode_mark
from crampwatch.recordings.edf.tal import encode_tal
from crampwatch.recordings.format import Progress
from crampwatch.recordings.gaps import GapFinder
from crampwatch.recordings.recording import Recording, Samples
from numpy.typing import NDArray

__all__ = ["write_edf"]

_LONGEST_RECORD_S = 10
_BLOCK_S = 64.0
"""Memory use is proportional to it: 64 s of two channels at 1 kHz take 1 MB."""
_LARGEST_C = 100.0
"""Steps of 0.003 degC in 16 bits."""
_TIMEKEEPING_OCTETS = 32
_GAP_OCTETS = 48
"""Room in each record for annotations of gaps, which are found while writing."""
_SHIFT_OCTETS = 16
"""What an annotation may grow by when the part of a second before the first sample is added to its onset."""
_YEARS = range(1985, 2085)
"""What the two digits of the year can tell."""

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
        file: Where to; written from its present position on.
        recording: What to write; read once, or twice where its largest value must be known first.
        is_bdf: 24 bits a sample in place of 16.
        annotations: Written into the file, in order.
        progress: Told the samples written so far and in all.

    Raises:
        RecordingError: The recording holds nothing, or ends before its stated end.
    """
    count = recording.sample_count or _length(recording)
    if not count:
        raise RecordingError(f"There is nothing to write: {recording.source_text} holds no samples.")
    plan = _plan(recording, count, is_bdf=is_bdf, annotations=annotations)
    file.write(encode_header(plan.header))
    queue = deque(encode_tal(_shifted(annotation, plan.onset_s)) for annotation in annotations)
    gaps = GapFinder(recording.stream.rate_hz)
    done = 0
    block_records = max(1, round(_BLOCK_S / plan.frame.duration_s))
    for chunk in recording.chunks(plan.frame.samples * block_records):
        found = gaps.feed(chunk) + (gaps.finish() if done + len(chunk) >= count else [])
        queue.extend(encode_tal(_shifted(gap, plan.onset_s)) for gap in found)
        file.write(_records(plan, recording, chunk, done // plan.frame.samples, queue))
        done += len(chunk)
        if progress is not None:
            progress(done, count)
    if done != count:
        raise RecordingError(f"{recording.source_text} promised {count} samples and holds {done}.")
    if queue:
        _log.warning("%d remarks on missing data found no room; the samples themselves are marked", len(queue))


@dataclass(frozen=True, slots=True)
class _Coding:
    """How values become counts.

    Attributes:
        is_bdf: 24 bits in place of 16.
        step: Value of one count.
    """

    is_bdf: bool
    step: float = 1.0

    @property
    def limit(self) -> int:
        """Largest count; in BDF a round one, for header fields of 8 characters tell its value more exactly."""
        return 8_000_000 if self.is_bdf else 32_767

    @property
    def missing(self) -> int:
        """Count of a missing sample."""
        return MISSING_24 if self.is_bdf else MISSING_16

    @property
    def sample_octets(self) -> int:
        """Octets of a sample."""
        return 3 if self.is_bdf else 2

    def encode(self, values: Samples, step: float) -> NDArray[np.uint8]:
        """Return the octets of values in steps of `step`; what lies beyond the limit saturates."""
        is_missing = ~np.isfinite(values)
        scaled = np.rint(np.where(is_missing, 0.0, values) / step)
        counts = np.clip(scaled, -self.limit, self.limit).astype("<i4")
        counts[is_missing] = self.missing
        octets = counts.view(np.uint8).reshape(-1, 4)[:, : self.sample_octets]
        return np.ascontiguousarray(octets).reshape(-1)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a data record holds.

    Attributes:
        samples: Samples of each channel.
        duration_s: Its duration, exactly.
        annotation_samples: Room for annotations, in samples.
    """

    samples: int
    duration_s: float
    annotation_samples: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a recording is laid out in the file.

    Attributes:
        header: What stands before the records.
        coding: How samples are written.
        frame: What a record holds.
        onset_s: Start of the first sample after the header's whole second.
    """

    header: EdfHeader
    coding: _Coding
    frame: _Frame
    onset_s: float


def _plan(recording: Recording, count: int, *, is_bdf: bool, annotations: Sequence[Annotation]) -> _Plan:
    samples, duration_s = _record_size(recording.stream.rate_hz)
    records = -(-count // samples)
    coding = _Coding(is_bdf, _step(recording, limit=_Coding(is_bdf).limit))
    frame = _Frame(samples, duration_s, -(-_annotation_octets(annotations, records) // coding.sample_octets))
    start, onset_s = _start(recording.start_utc_ns)
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
        signals=_signals(recording, coding, frame),
    )
    return _Plan(header, coding, frame, onset_s)


def _record_size(rate_hz: float) -> tuple[int, float]:
    """Return samples and seconds of a record: whole seconds where some hold whole samples, else a second or so."""
    exact = Fraction(rate_hz).limit_denominator(_LONGEST_RECORD_S)
    if abs(float(exact) - rate_hz) < 1e-9 * rate_hz:
        return exact.numerator, float(exact.denominator)
    per_record = max(1, round(rate_hz))
    return per_record, per_record / rate_hz


def _step(recording: Recording, *, limit: int) -> float:
    """Return the value of one count: the recording's own step, unless its largest value would not fit."""
    step = recording.stream.lsb_uv if recording.stream.scale_known else recording.value_step
    if recording.stream.format is SampleFormat.INT16 and math.isfinite(step):
        return step
    peak = max((_peak(chunk) for chunk in recording.chunks(65_536)), default=0.0)
    needed = peak / limit or 1.0
    return max(step, needed) if math.isfinite(step) else needed


def _peak(chunk: Samples) -> float:
    return float(np.max(np.abs(chunk), initial=0.0, where=np.isfinite(chunk)))


def _annotation_octets(annotations: Sequence[Annotation], records: int) -> int:
    """Return room for annotations in a record, enough for all of them when filled from the first record on."""
    sizes = [len(encode_tal(annotation)) + _SHIFT_OCTETS for annotation in annotations]
    return _TIMEKEEPING_OCTETS + _GAP_OCTETS + -(-sum(sizes) // records) + max(sizes, default=0)


def _start(start_utc_ns: int | None) -> tuple[datetime | None, float]:
    """Return the whole second of the start and the rest of it; nothing of a start that EDF cannot tell."""
    if start_utc_ns is None:
        return None, 0.0
    seconds, nanoseconds = divmod(start_utc_ns, 1_000_000_000)
    try:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None, 0.0
    return (start, round(nanoseconds * 1e-9, 6)) if start.year in _YEARS else (None, 0.0)


def _signals(recording: Recording, coding: _Coding, frame: _Frame) -> tuple[EdfSignal, ...]:
    stream, limit = recording.stream, coding.limit
    names = stream.labels or tuple(f"EMG {number}" for number in range(1, stream.channels + 1))
    signals = [
        EdfSignal(
            label=label,
            unit="uV" if stream.scale_known else "",
            physical_min=-limit * coding.step,
            physical_max=limit * coding.step,
            digital_min=-limit,
            digital_max=limit,
            samples_per_record=frame.samples,
            prefilter=f"HP:{stream.band_hz[0]:g}Hz LP:{stream.band_hz[1]:g}Hz" if stream.band_hz[1] > 0 else "",
            transducer=transducer_of(name),
        )
        for label, name in zip(edf_labels(names), names, strict=True)
    ]
    if _has_temperature(recording):
        samples = _temperature_samples(recording, frame)
        signals.append(EdfSignal("Temp skin", "degC", -_LARGEST_C, _LARGEST_C, -limit, limit, samples))
    kind = "BDF" if coding.is_bdf else "EDF"
    full = -coding.missing
    return (*signals, EdfSignal(f"{kind} Annotations", "", -1, 1, -full, full - 1, frame.annotation_samples))


def _records(plan: _Plan, recording: Recording, chunk: Samples, first: int, queue: deque[bytes]) -> bytes:
    """Return whole data records; the last of a recording is filled up with missing samples."""
    records = -(-len(chunk) // plan.frame.samples)
    padded = np.full((records * plan.frame.samples, chunk.shape[1]), math.nan)
    padded[: len(chunk)] = chunk
    columns = [plan.coding.encode(padded[:, channel], plan.coding.step) for channel in range(chunk.shape[1])]
    if _has_temperature(recording):
        held = _held_temperature(plan.frame, recording, first, records)
        columns.append(plan.coding.encode(held, _LARGEST_C / plan.coding.limit))
    columns.append(_annotation_column(plan, first, records, queue))
    return np.concatenate([column.reshape(records, -1) for column in columns], axis=1).tobytes()


def _has_temperature(recording: Recording) -> bool:
    return recording.temperature is not None and len(recording.temperature.values_c) > 0


def _temperature_samples(recording: Recording, frame: _Frame) -> int:
    assert recording.temperature is not None
    return max(1, round(recording.temperature.rate_hz * frame.duration_s))


def _held_temperature(frame: _Frame, recording: Recording, first: int, records: int) -> Samples:
    """Return temperature at a whole number of samples a record; each holds until the next."""
    assert recording.temperature is not None
    values, rate_hz = recording.temperature
    samples = _temperature_samples(recording, frame)
    at_s = np.arange(first * samples, (first + records) * samples) * (frame.duration_s / samples)
    index = np.floor(at_s * rate_hz + 1e-6).astype(np.int64)
    return np.where(index < len(values), values[np.minimum(index, len(values) - 1)], math.nan)


def _annotation_column(plan: _Plan, first: int, records: int, queue: deque[bytes]) -> NDArray[np.uint8]:
    room = plan.frame.annotation_samples * plan.coding.sample_octets
    column = np.zeros((records, room), np.uint8)
    for row in range(records):
        text = encode_tal(Annotation(plan.onset_s + (first + row) * plan.frame.duration_s, None, ""))
        while queue and len(text) + len(queue[0]) <= room:
            text += queue.popleft()
        column[row, : len(text)] = np.frombuffer(text, np.uint8)
    return column.reshape(-1)


def _shifted(annotation: Annotation, onset_s: float) -> Annotation:
    return Annotation(annotation.onset_s + onset_s, annotation.duration_s, annotation.text)


def _length(recording: Recording) -> int:
    return sum(len(chunk) for chunk in recording.chunks(65_536))
