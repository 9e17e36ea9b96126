"""Locating the samples of an EDF or BDF file, and reading them a few data records at a time.

Files in the wild are cut short, unfinished, or contradict their headers. So the number of data records follows from the
size of the file, not from the header, and an incomplete last record is left out. In a discontinuous file (EDF+D) each
record states when it starts; the time between records that do not follow one another becomes missing samples.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.edf.header import EdfHeader, decode_header, total_header_bytes
from crampwatch.recordings.edf.label import full_labels
from crampwatch.recordings.edf.mark import decode_mark
from crampwatch.recordings.edf.tal import decode_onset
from crampwatch.recordings.limits import LONGEST_S
from crampwatch.recordings.recording import BLOCK_SAMPLES, Samples
from numpy.typing import NDArray

__all__ = ["EdfLayout", "Scale", "locate_samples", "sample_blocks"]

_BLOCK_BYTES = 4 << 20
"""Complete data records up to this total size are read at once."""
_LONGEST_RECORD_S = 86_400.0
"""EDF+ recommends at most 60 s; some recorders write an hour. A day is a mistake."""
_MOST_OVERLAP_SAMPLES = 1.5
"""Consecutive records may overlap by the rounding of their stated starts, not by more."""


@dataclass(frozen=True, slots=True)
class EdfLayout:
    """Where the samples are in a file.

    Attributes:
        record_count: Complete data records in the file, whatever the header states.
        onset_s: Start of the first record, in seconds after the start in the header.
        record_starts_s: Start of each record, in seconds after the first; None if they follow one another.
        warnings: Contradictions between header and file, one sentence each.
    """

    path: Path
    header: EdfHeader
    record_count: int
    onset_s: float
    record_starts_s: NDArray[np.float64] | None
    warnings: tuple[str, ...]

    def starts(self, samples_per_record: int) -> NDArray[np.int64]:
        """Return the index of the first sample of each record, and that after the last.

        Raises:
            RecordingError: A record starts before the previous one ends.
        """
        if self.record_starts_s is None:
            return np.arange(self.record_count + 1, dtype=np.int64) * samples_per_record
        exact = self.record_starts_s * (samples_per_record / self.header.record_s)
        if np.any(np.diff(exact) < samples_per_record - _MOST_OVERLAP_SAMPLES):
            raise RecordingError("The data records go back in time.", advice="The file is damaged; export it again.")
        starts = np.rint(np.append(exact, exact[-1] + samples_per_record)).astype(np.int64)
        # Rounding must not make two records share a sample: start none before the previous one has ended.
        order = np.arange(len(starts), dtype=np.int64) * samples_per_record
        return np.asarray(np.maximum.accumulate(starts - order) + order, np.int64)


@dataclass(frozen=True, slots=True)
class Scale:
    """Converts counts to values: `slope * count + offset`."""

    slope: float
    offset: float


def locate_samples(path: Path) -> EdfLayout:
    """Read the header and locate the data records.

    Raises:
        RecordingError: There is no complete data record, or the times of the records make no sense.
    """
    with path.open("rb") as file:
        raw = file.read(256)
        raw += file.read(total_header_bytes(raw) - len(raw))
        size = os.fstat(file.fileno()).st_size
    header = _restore_full_labels(decode_header(raw))
    _check_records(header)
    count, warnings = _count_records(header, size)
    onset_s, record_starts_s = _record_times(path, header, count)
    return EdfLayout(path, header, count, onset_s, record_starts_s, warnings)


def sample_blocks(
    layout: EdfLayout, signals: Sequence[int], scales: Sequence[Scale], *, missing: int | None, stop_index: int
) -> Iterator[Samples]:
    """Yield scaled samples, with NaN between records that do not follow one another.

    Args:
        layout: The file.
        signals: Positions in the file, of signals with one sampling rate.
        scales: One per signal.
        missing: Count that stands for a missing sample; None if there is none.
        stop_index: How many samples to yield at most.
    """
    per_record = layout.header.signals[signals[0]].samples_per_record
    starts = layout.starts(per_record)
    at = 0
    with layout.path.open("rb") as file:
        for first, stop in pairwise(_read_boundaries(layout, starts, per_record)):
            for gap in _nan_blocks(min(int(starts[first]), stop_index) - at, len(signals)):
                yield gap
                at += len(gap)
            file.seek(layout.header.total_bytes + first * layout.header.record_bytes)
            raw = file.read((stop - first) * layout.header.record_bytes)
            if len(raw) < (stop - first) * layout.header.record_bytes:
                raise RecordingError(f"{layout.path} became shorter while it was being read.", advice="Start again.")
            block = _scaled(layout.header, raw, signals, scales, missing)[: stop_index - at]
            yield block
            at += len(block)


def _restore_full_labels(header: EdfHeader) -> EdfHeader:
    if not decode_mark(header.recording).is_ours:
        return header
    old = header.signals
    labels = full_labels([signal.label for signal in old], [signal.transducer for signal in old])
    signals = tuple(replace(signal, label=label) for signal, label in zip(old, labels, strict=True))
    return replace(header, signals=signals)


def _check_records(header: EdfHeader) -> None:
    if not (math.isfinite(header.record_s) and 0 < header.record_s <= _LONGEST_RECORD_S):
        raise RecordingError(
            f"The EDF header claims data records of {header.record_s:g} s; expected more than 0 and at most a day.",
            advice="The file is damaged; export it again.",
        )
    if not header.record_bytes:
        raise RecordingError("The EDF header describes no samples at all.", advice="Export the file again.")


def _count_records(header: EdfHeader, size: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of complete data records by the size of the file, and how the header contradicts it."""
    count, rest = divmod(size - header.total_bytes, header.record_bytes)
    if count < 1:
        raise RecordingError(
            f"The file ends before its first data record of {header.record_bytes} bytes is complete.",
            advice="Copy it again from where it was recorded.",
        )
    warnings = []
    if header.stated_bytes != header.total_bytes:
        warnings.append(f"The header claims to have {header.stated_bytes} bytes; it has {header.total_bytes}.")
    if header.record_count != count:
        stated = "is unfinished" if header.record_count < 0 else f"promises {header.record_count} data records"
        warnings.append(f"The header {stated}; the file has {count} complete ones, which were read.")
    if rest:
        warnings.append(f"The file ends inside a data record: its last {rest} bytes were left out.")
    return count, tuple(warnings)


def _record_times(path: Path, header: EdfHeader, count: int) -> tuple[float, NDArray[np.float64] | None]:
    """Return when the first record starts and, in a discontinuous file, when each starts after the first."""
    timekeeper = next((i for i, signal in enumerate(header.signals) if signal.is_annotations), None)
    if timekeeper is None or header.reserved[3:4] != "+":
        return 0.0, None
    records = count if header.is_discontinuous else 1
    onsets = np.array([math.nan if one is None else one for one in _record_onsets(path, header, timekeeper, records)])
    if not header.is_discontinuous:
        return (float(onsets[0]) if 0 <= onsets[0] < LONGEST_S else 0.0), None
    if not np.all(np.isfinite(onsets)):
        raise RecordingError(
            f"Data record {int(np.argmin(np.isfinite(onsets))) + 1} of a discontinuous file does not state its start.",
            advice="The file is damaged; export it again as a continuous one.",
        )
    if onsets[-1] - onsets[0] > LONGEST_S or abs(onsets[0]) > LONGEST_S:
        raise RecordingError("The data records span more than a month.", advice="Split the file.")
    return float(onsets[0]), onsets - onsets[0]


def _record_onsets(path: Path, header: EdfHeader, timekeeper: int, count: int) -> Iterator[float | None]:
    offset = header.total_bytes + _byte_offset(header, timekeeper)
    size = header.signals[timekeeper].samples_per_record * header.sample_bytes
    with path.open("rb") as file:
        for record in range(count):
            file.seek(offset + record * header.record_bytes)
            yield decode_onset(file.read(size))


def _read_boundaries(layout: EdfLayout, starts: NDArray[np.int64], per_record: int) -> list[int]:
    """Return the record numbers to start a read at: after every jump in time, and often enough to bound memory."""
    most = max(1, _BLOCK_BYTES // layout.header.record_bytes)
    # A block must be contiguous in time, so a read never crosses a jump.
    jumps = np.flatnonzero(np.diff(starts[:-1]) != per_record) + 1
    cuts = {0, layout.record_count, *jumps.tolist(), *range(0, layout.record_count, most)}
    return sorted(cuts)


def _scaled(
    header: EdfHeader, raw: bytes, signals: Sequence[int], scales: Sequence[Scale], missing: int | None
) -> Samples:
    records = np.frombuffer(raw, np.uint8).reshape(-1, header.record_bytes)
    per_record = header.signals[signals[0]].samples_per_record
    block = np.empty((len(records) * per_record, len(signals)))
    for column, (signal, scale) in enumerate(zip(signals, scales, strict=True)):
        offset = _byte_offset(header, signal)
        counts = _decode_counts(records[:, offset : offset + per_record * header.sample_bytes], header.sample_bytes)
        block[:, column] = counts * scale.slope + scale.offset
        if missing is not None:
            block[counts == missing, column] = math.nan
    return block


def _decode_counts(raw: NDArray[np.uint8], sample_bytes: int) -> NDArray[np.int32] | NDArray[np.int16]:
    """Decode little-endian two's complement samples of 16 or 24 bits, in order."""
    flat = np.ascontiguousarray(raw).reshape(-1)
    if sample_bytes == 2:
        return flat.view("<i2")
    wide = np.zeros((len(flat) // 3, 4), np.uint8)
    wide[:, 1:] = flat.reshape(-1, 3)
    return np.asarray(wide.reshape(-1).view("<i4") >> 8, np.int32)


def _byte_offset(header: EdfHeader, signal: int) -> int:
    return header.sample_bytes * sum(other.samples_per_record for other in header.signals[:signal])


def _nan_blocks(count: int, channels: int) -> Iterator[Samples]:
    for first in range(0, count, BLOCK_SAMPLES):
        yield np.full((min(BLOCK_SAMPLES, count - first), channels), math.nan)
