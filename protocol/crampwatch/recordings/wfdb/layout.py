"""Where the samples of a WFDB record stand, and reading them some frames at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.recording import BLOCK_SAMPLES, Samples
from crampwatch.recordings.wfdb.header import WfdbHeader, WfdbSignal
from crampwatch.recordings.wfdb.samples import BITS, MISSING, decode_samples, octets_of
from numpy.typing import NDArray

__all__ = ["WfdbLayout", "checked", "lay_out", "sample_blocks"]

_MOST_FRAME_SAMPLES = 65_536


@dataclass(frozen=True, slots=True)
class _SignalFile:
    """Signals that share a file, frame by frame.

    Attributes:
        path: The file.
        signals: As they follow one another in each frame.
        chosen: Positions in `signals` to read.
        frames: Whole frames the file holds.
    """

    path: Path
    signals: tuple[WfdbSignal, ...]
    chosen: tuple[int, ...]
    frames: int

    @property
    def frame_samples(self) -> int:
        """Samples of all signals in one frame."""
        return sum(signal.samples_per_frame for signal in self.signals)


@dataclass(frozen=True, slots=True)
class WfdbLayout:
    """The chosen signals of a record.

    Attributes:
        files: The files they are in.
        signals: The chosen signals, in the order they were asked for.
        order: Where each of them stands among what `files` yield.
        frames: Frames that all of the files hold.
        warnings: What the header has wrong.
    """

    files: tuple[_SignalFile, ...]
    signals: tuple[WfdbSignal, ...]
    order: tuple[int, ...]
    frames: int
    warnings: tuple[str, ...]


def lay_out(path: Path, header: WfdbHeader, chosen: Sequence[int]) -> WfdbLayout:
    """Find the files that hold the chosen signals; what is whole of truncated ones counts.

    Raises:
        RecordingError: A signal file is missing, holds nothing or mixes formats.
    """
    names = dict.fromkeys(header.signals[i].file_name for i in sorted(chosen))
    files = tuple(_signal_file(path.parent / name, header, chosen) for name in names)
    held = min(file.frames for file in files)
    promised = header.sample_count or held
    warnings = []
    if held < promised:
        warnings.append(f"The header promises {promised} samples; the signal file ends after {held}.")
    elif held > promised:
        warnings.append(f"The signal file holds {held} samples; the header's {promised} were read.")
    stored = [i for name in names for i in sorted(chosen) if header.signals[i].file_name == name]
    return WfdbLayout(
        files=files,
        signals=tuple(header.signals[i] for i in chosen),
        order=tuple(stored.index(i) for i in chosen),
        frames=min(held, promised),
        warnings=tuple(warnings),
    )


def sample_blocks(layout: WfdbLayout, slopes: Sequence[float], baselines: Sequence[int]) -> Iterator[Samples]:
    """Yield `(count - baseline) * slope`, NaN where a sample is missing."""
    missing = [MISSING[signal.format] for signal in layout.signals]
    for counts in _count_blocks(layout):
        block = (counts - np.array(baselines)) * np.array(slopes)
        block[counts == missing] = math.nan
        yield block


def checked(layout: WfdbLayout, header: WfdbHeader) -> tuple[str, ...]:
    """Compare the samples with the header's first values and checksums, and tell what differs.

    A truncated record, or one whose checksum the header leaves out, has nothing to compare with.
    """
    if header.sample_count is None or layout.frames < header.sample_count:
        return ()
    sums, first = np.zeros(len(layout.signals), np.int64), None
    for counts in _count_blocks(layout):
        sums += counts.sum(axis=0, dtype=np.int64)
        first = counts[0] if first is None else first
    warnings = []
    for signal, total, value in zip(layout.signals, sums, [] if first is None else first, strict=False):
        # Header writers disagree on whether the checksum is signed; the sixteen bits are the same.
        if signal.checksum is not None and (int(total) - signal.checksum) % 65_536:
            warnings.append(f"The samples of {signal.label!r} do not add up to the header's checksum.")
        elif signal.first_count is not None and int(value) != signal.first_count:
            warnings.append(f"{signal.label!r} begins with {value}; the header says {signal.first_count}.")
    return tuple(warnings)


def _signal_file(path: Path, header: WfdbHeader, chosen: Sequence[int]) -> _SignalFile:
    members = [i for i, signal in enumerate(header.signals) if signal.file_name == path.name]
    signals = tuple(header.signals[i] for i in members)
    if len({(signal.format, signal.file_offset) for signal in signals}) > 1:
        raise RecordingError(f"The header stores {path.name} in several formats at once.")
    if not path.is_file():
        raise RecordingError(
            f"The signal file {path.name} is not beside its header.", advice="Copy both files into one folder."
        )
    frame_samples = sum(signal.samples_per_frame for signal in signals)
    octets = path.stat().st_size - signals[0].file_offset
    frames = octets * 8 // BITS[signals[0].format] // frame_samples
    if frames < 1 or frame_samples > _MOST_FRAME_SAMPLES:
        raise RecordingError(f"The signal file {path.name} ends before the first sample.", advice="Copy it again.")
    return _SignalFile(path, signals, tuple(members.index(i) for i in sorted(chosen) if i in members), frames)


def _count_blocks(layout: WfdbLayout) -> Iterator[NDArray[np.int32]]:
    streams = [_file_blocks(file, layout.frames) for file in layout.files]
    for parts in zip(*streams, strict=True):
        yield np.concatenate(parts, axis=1)[:, list(layout.order)]


def _file_blocks(file: _SignalFile, frames: int) -> Iterator[NDArray[np.int32]]:
    # An even number of frames ends on a whole octet in format 212, whatever a frame holds.
    step = max(2, BLOCK_SAMPLES // file.frame_samples // 2 * 2)
    number = file.signals[0].format
    with file.path.open("rb") as handle:
        for first in range(0, frames, step):
            samples = min(step, frames - first) * file.frame_samples
            handle.seek(file.signals[0].file_offset + octets_of(first * file.frame_samples, number))
            octets = handle.read(octets_of(samples, number))
            if len(octets) < octets_of(samples, number):
                raise RecordingError(f"{file.path} became shorter while it was read.", advice="Start again.")
            yield _columns(file, decode_samples(octets, number, samples).reshape(-1, file.frame_samples))


def _columns(file: _SignalFile, frames: NDArray[np.int32]) -> NDArray[np.int32]:
    starts = np.cumsum([0, *(signal.samples_per_frame for signal in file.signals)])
    return np.column_stack([frames[:, starts[i] : starts[i + 1]].reshape(-1) for i in file.chosen])
