"""Locating the samples of a WFDB record, and reading them some frames at a time.

A frame holds one or more samples of each signal in turn. Signals may be spread over several files, each with frames of
its own signals; a chosen signal may share its file with others that are skipped.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.recording import BLOCK_SAMPLES, Samples
from crampwatch.recordings.wfdb.header import WfdbHeader, WfdbSignal
from crampwatch.recordings.wfdb.samples import BITS, MISSING, bytes_of, decode_samples
from numpy.typing import NDArray

__all__ = ["WfdbLayout", "compare_with_checksums", "locate_samples", "sample_blocks"]

_MOST_FRAME_SAMPLES = 65_536
"""A frame is read as a whole, so a damaged header must not make it huge."""


@dataclass(frozen=True, slots=True)
class _SignalFile:
    """A file and the signals that share it, frame by frame.

    Attributes:
        path: In the folder of the header.
        signals: In the order of a frame.
        chosen: Indices of the signals to read.
        frames: Complete frames in the file.
    """

    path: Path
    signals: tuple[WfdbSignal, ...]
    chosen: tuple[int, ...]
    frames: int

    @property
    def frame_samples(self) -> int:
        """Samples in one frame, of all signals together."""
        return sum(signal.samples_per_frame for signal in self.signals)


@dataclass(frozen=True, slots=True)
class WfdbLayout:
    """The chosen signals of a record.

    Attributes:
        files: In the order of the header.
        signals: In the order they were requested.
        order: For each of `signals`, its index among the columns that `files` yield one after the other.
        frames: Frames to read: all files have that many.
        warnings: Contradictions between header and files, one sentence each.
    """

    files: tuple[_SignalFile, ...]
    signals: tuple[WfdbSignal, ...]
    order: tuple[int, ...]
    frames: int
    warnings: tuple[str, ...]


def locate_samples(path: Path, header: WfdbHeader, chosen: Sequence[int]) -> WfdbLayout:
    """Locate the chosen signals; a truncated file is read up to its last complete frame.

    Raises:
        RecordingError: A signal file is missing, has no complete frame or mixes formats.
    """
    # In the order of the header, each file once.
    names = dict.fromkeys(header.signals[i].file_name for i in sorted(chosen))
    files = tuple(_locate_signals_in(path.parent / name, header, chosen) for name in names)
    held = min(file.frames for file in files)
    stated = header.sample_count or held
    warnings = []
    if held < stated:
        warnings.append(f"The header states {stated} samples; the signal file ends after {held}.")
    elif held > stated:
        warnings.append(f"The signal file has {held} samples; the {stated} that the header states were read.")
    columns = [i for name in names for i in sorted(chosen) if header.signals[i].file_name == name]
    return WfdbLayout(
        files=files,
        signals=tuple(header.signals[i] for i in chosen),
        order=tuple(columns.index(i) for i in chosen),
        frames=min(held, stated),
        warnings=tuple(warnings),
    )


def sample_blocks(layout: WfdbLayout, slopes: Sequence[float], baselines: Sequence[int]) -> Iterator[Samples]:
    """Yield `(count - baseline) * slope`, NaN where a sample is missing."""
    missing = [MISSING[signal.format] for signal in layout.signals]
    for counts in _count_blocks(layout):
        block = (counts - np.array(baselines)) * np.array(slopes)
        block[counts == missing] = math.nan
        yield block


def compare_with_checksums(layout: WfdbLayout, header: WfdbHeader) -> tuple[str, ...]:
    """Compare the samples with the first values and checksums in the header, and return a warning for each difference.

    A truncated record is not compare_with_checksums, since its sums must differ.
    """
    if header.sample_count is None or layout.frames < header.sample_count:
        return ()
    sums, first = np.zeros(len(layout.signals), np.int64), None
    for counts in _count_blocks(layout):
        sums += counts.sum(axis=0, dtype=np.int64)
        first = counts[0] if first is None else first
    warnings = []
    for signal, total, value in zip(layout.signals, sums, [] if first is None else first, strict=False):
        # Programs disagree on whether the checksum is signed; the sixteen bits are the same.
        if signal.checksum is not None and (int(total) - signal.checksum) % 65_536:
            warnings.append(f"The samples of {signal.label!r} do not add up to the header's checksum.")
        elif signal.first_count is not None and int(value) != signal.first_count:
            warnings.append(f"{signal.label!r} begins with {value}; the header states {signal.first_count}.")
    return tuple(warnings)


def _locate_signals_in(path: Path, header: WfdbHeader, chosen: Sequence[int]) -> _SignalFile:
    members = [i for i, signal in enumerate(header.signals) if signal.file_name == path.name]
    signals = tuple(header.signals[i] for i in members)
    if len({(signal.format, signal.file_offset) for signal in signals}) > 1:
        raise RecordingError(f"The header stores {path.name} in several formats at once.")
    if not path.is_file():
        raise RecordingError(
            f"The signal file {path.name} is not beside its header.", advice="Copy both files into one folder."
        )
    frame_samples = sum(signal.samples_per_frame for signal in signals)
    size = path.stat().st_size - signals[0].file_offset
    frames = size * 8 // BITS[signals[0].format] // frame_samples
    if frames < 1 or frame_samples > _MOST_FRAME_SAMPLES:
        raise RecordingError(f"The signal file {path.name} ends before the first sample.", advice="Copy it again.")
    return _SignalFile(path, signals, tuple(members.index(i) for i in sorted(chosen) if i in members), frames)


def _count_blocks(layout: WfdbLayout) -> Iterator[NDArray[np.int32]]:
    streams = [_file_blocks(file, layout.frames) for file in layout.files]
    for parts in zip(*streams, strict=True):
        yield np.concatenate(parts, axis=1)[:, list(layout.order)]


def _file_blocks(file: _SignalFile, frames: int) -> Iterator[NDArray[np.int32]]:
    # Format 212 packs two samples into three bytes: an even number of frames always ends on a whole byte.
    step = max(2, BLOCK_SAMPLES // file.frame_samples // 2 * 2)
    number = file.signals[0].format
    with file.path.open("rb") as handle:
        for first in range(0, frames, step):
            samples = min(step, frames - first) * file.frame_samples
            handle.seek(file.signals[0].file_offset + bytes_of(first * file.frame_samples, number))
            raw = handle.read(bytes_of(samples, number))
            if len(raw) < bytes_of(samples, number):
                raise RecordingError(f"{file.path} became shorter while it was being read.", advice="Start again.")
            yield _chosen_columns(file, decode_samples(raw, number, samples).reshape(-1, file.frame_samples))


def _chosen_columns(file: _SignalFile, frames: NDArray[np.int32]) -> NDArray[np.int32]:
    starts = np.cumsum([0, *(signal.samples_per_frame for signal in file.signals)])
    return np.column_stack([frames[:, starts[i] : starts[i + 1]].reshape(-1) for i in file.chosen])
