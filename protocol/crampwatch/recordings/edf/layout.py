"""Where the samples of an EDF or BDF file stand, and reading them a few data records at a time."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.edf.header import EdfHeader, decode_header, total_header_octets
from crampwatch.recordings.edf.label import full_labels
from crampwatch.recordings.edf.mark import decode_mark
from crampwatch.recordings.edf.tal import decode_onset
from crampwatch.recordings.limits import LONGEST_S
from crampwatch.recordings.recording import BLOCK_SAMPLES, Samples
from numpy.typing import NDArray

__all__ = ["EdfLayout", "Scale", "lay_out", "sample_blocks"]

_BLOCK_OCTETS = 4 << 20
"""Whole data records up to this size are read at once."""
_LONGEST_RECORD_S = 86_400.0
_BACKWARDS_SAMPLES = 1.5
"""Records may overlap by the rounding of their start, not by more."""


@dataclass(frozen=True, slots=True)
class EdfLayout:
    """Where samples stand in a file.

    Attributes:
        path: The file.
        header: Its header.
        record_count: Whole data records there are.
        onset_s: Start of the first record, seconds after the header's start.
        first_s: Start of each record, seconds after the first; None where they follow one another.
        warnings: What the header has wrong.
    """

    path: Path
    header: EdfHeader
    record_count: int
    onset_s: float
    first_s: NDArray[np.float64] | None
    warnings: tuple[str, ...]

    def starts(self, samples_per_record: int) -> NDArray[np.int64]:
        """Return the sample index at which each record begins, and the end after the last.

        Raises:
            RecordingError: A record begins before the one ahead of it ends.
        """
        if self.first_s is None:
            return np.arange(self.record_count + 1, dtype=np.int64) * samples_per_record
        exact = self.first_s * (samples_per_record / self.header.record_s)
        if np.any(np.diff(exact) < samples_per_record - _BACKWARDS_SAMPLES):
            raise RecordingError("The data records go back in time.", advice="The file is damaged; export it again.")
        starts = np.rint(np.append(exact, exact[-1] + samples_per_record)).astype(np.int64)
        # Rounding must not make two records share a sample: push each behind the one ahead of it.
        order = np.arange(len(starts), dtype=np.int64) * samples_per_record
        return np.asarray(np.maximum.accumulate(starts - order) + order, np.int64)


@dataclass(frozen=True, slots=True)
class Scale:
    """How counts become values: `slope * count + offset`."""

    slope: float
    offset: float


def lay_out(path: Path) -> EdfLayout:
    """Read the header and find the data records; what is whole of a truncated file counts.

    Raises:
        RecordingError: There is no whole data record, or their times make no sense.
    """
    with path.open("rb") as file:
        raw = file.read(256)
        raw += file.read(total_header_octets(raw) - len(raw))
        size = os.fstat(file.fileno()).st_size
    header = _with_full_labels(decode_header(raw))
    _check_records(header)
    count, warnings = _whole_records(header, size)
    onset_s, first_s = _record_times(path, header, count)
    return EdfLayout(path, header, count, onset_s, first_s, warnings)


def sample_blocks(
    layout: EdfLayout, signals: Sequence[int], scales: Sequence[Scale], *, missing: int | None, stop_index: int
) -> Iterator[Samples]:
    """Yield scaled samples of signals of one rate, gaps between records filled with NaN.

    Args:
        layout: The file.
        signals: Positions in the file.
        scales: One a signal.
        missing: Count that stands for a missing sample; None where there is none.
        stop_index: Samples to yield in all, at most.
    """
    per_record = layout.header.signals[signals[0]].samples_per_record
    starts = layout.starts(per_record)
    at = 0
    with layout.path.open("rb") as file:
        for first, stop in pairwise(_stretches(layout, starts, per_record)):
            for gap in _nan_blocks(min(int(starts[first]), stop_index) - at, len(signals)):
                yield gap
                at += len(gap)
            file.seek(layout.header.octets + first * layout.header.record_octets)
            octets = file.read((stop - first) * layout.header.record_octets)
            if len(octets) < (stop - first) * layout.header.record_octets:
                raise RecordingError(f"{layout.path} became shorter while it was read.", advice="Start again.")
            block = _scaled(layout.header, octets, signals, scales, missing)[: stop_index - at]
            yield block
            at += len(block)


def _with_full_labels(header: EdfHeader) -> EdfHeader:
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
    if not header.record_octets:
        raise RecordingError("The EDF header claims no samples at all.", advice="Export the file again.")


def _whole_records(header: EdfHeader, size: int) -> tuple[int, tuple[str, ...]]:
    """Return how many whole data records there are, whatever the header says, and what differs."""
    count, rest = divmod(size - header.octets, header.record_octets)
    if count < 1:
        raise RecordingError(
            f"The file ends before its first data record of {header.record_octets} octets is complete.",
            advice="Copy it again from where it was recorded.",
        )
    warnings = []
    if header.stated_octets != header.octets:
        warnings.append(f"The header claims to be {header.stated_octets} octets long; it is {header.octets}.")
    if header.record_count != count:
        stated = "is unfinished" if header.record_count < 0 else f"promises {header.record_count} data records"
        warnings.append(f"The header {stated}; {count} whole ones are there and were read.")
    if rest:
        warnings.append(f"The file ends inside a data record: its last {rest} octets were left out.")
    return count, tuple(warnings)


def _record_times(path: Path, header: EdfHeader, count: int) -> tuple[float, NDArray[np.float64] | None]:
    """Return the onset of the first record and, where time may jump, of each after the first."""
    keeper = next((i for i, signal in enumerate(header.signals) if signal.is_annotations), None)
    if keeper is None or header.reserved[3:4] != "+":
        return 0.0, None
    wanted = count if header.is_discontinuous else 1
    onsets = np.array([math.nan if onset is None else onset for onset in _onsets(path, header, keeper, wanted)])
    if not header.is_discontinuous:
        return (float(onsets[0]) if 0 <= onsets[0] < LONGEST_S else 0.0), None
    if not np.all(np.isfinite(onsets)):
        raise RecordingError(
            f"Data record {int(np.argmin(np.isfinite(onsets))) + 1} of a discontinuous file does not tell its time.",
            advice="The file is damaged; export it again as a continuous one.",
        )
    if onsets[-1] - onsets[0] > LONGEST_S or abs(onsets[0]) > LONGEST_S:
        raise RecordingError("The data records span more than a month.", advice="Split the file.")
    return float(onsets[0]), onsets - onsets[0]


def _onsets(path: Path, header: EdfHeader, keeper: int, count: int) -> Iterator[float | None]:
    offset = header.octets + _offset_octets(header, keeper)
    octets = header.signals[keeper].samples_per_record * header.sample_octets
    with path.open("rb") as file:
        for record in range(count):
            file.seek(offset + record * header.record_octets)
            yield decode_onset(file.read(octets))


def _stretches(layout: EdfLayout, starts: NDArray[np.int64], per_record: int) -> list[int]:
    """Return record numbers at which to begin a read: at every jump in time, and often enough for memory."""
    most = max(1, _BLOCK_OCTETS // layout.header.record_octets)
    jumps = np.flatnonzero(np.diff(starts[:-1]) != per_record) + 1
    cuts = {0, layout.record_count, *jumps.tolist(), *range(0, layout.record_count, most)}
    return sorted(cuts)


def _scaled(
    header: EdfHeader, octets: bytes, signals: Sequence[int], scales: Sequence[Scale], missing: int | None
) -> Samples:
    records = np.frombuffer(octets, np.uint8).reshape(-1, header.record_octets)
    per_record = header.signals[signals[0]].samples_per_record
    block = np.empty((len(records) * per_record, len(signals)))
    for column, (signal, scale) in enumerate(zip(signals, scales, strict=True)):
        offset = _offset_octets(header, signal)
        counts = _counts(records[:, offset : offset + per_record * header.sample_octets], header.sample_octets)
        block[:, column] = counts * scale.slope + scale.offset
        if missing is not None:
            block[counts == missing, column] = math.nan
    return block


def _counts(octets: NDArray[np.uint8], sample_octets: int) -> NDArray[np.int32] | NDArray[np.int16]:
    """Return little-endian two's complement samples of 16 or 24 bits, in order."""
    flat = np.ascontiguousarray(octets).reshape(-1)
    if sample_octets == 2:
        return flat.view("<i2")
    wide = np.zeros((len(flat) // 3, 4), np.uint8)
    wide[:, 1:] = flat.reshape(-1, 3)
    return np.asarray(wide.reshape(-1).view("<i4") >> 8, np.int32)


def _offset_octets(header: EdfHeader, signal: int) -> int:
    return header.sample_octets * sum(other.samples_per_record for other in header.signals[:signal])


def _nan_blocks(count: int, channels: int) -> Iterator[Samples]:
    for first in range(0, count, BLOCK_SAMPLES):
        yield np.full((min(BLOCK_SAMPLES, count - first), channels), math.nan)
