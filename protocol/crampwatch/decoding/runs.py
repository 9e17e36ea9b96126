"""Runs: gap-free samples with the same flags and scale, ready to be published as blocks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np
from crampwatch.decoding.observation import SamplesReceived
from crampwatch.protocol.block import MAX_BLOCK_SAMPLES, BlockFlag, SampleBlock
from crampwatch.protocol.frame import FrameFlag, decode_samples
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["Run", "join_runs", "new_runs", "to_block_flags"]

_FLAGS: Final = (
    (FrameFlag.CLIPPED, BlockFlag.CLIPPED),
    (FrameFlag.LEAD_OFF, BlockFlag.LEAD_OFF),
    (FrameFlag.SELF_TEST, BlockFlag.SELF_TEST),
    (FrameFlag.STORED, BlockFlag.STORED),
)
_ORIGINS: Final = {
    Origin.LIVE: BlockFlag(0),
    Origin.DEMO: BlockFlag.SIMULATED,
    Origin.REPLAY: BlockFlag.REPLAY,
}


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A gap-free run of samples with the same flags and scale.

    Attributes:
        boot_id: Boot of the sensor that the index counts from.
        stream: Description of the stream.
        flags: Flags of the block that will be made of it.
        first_index: Unwrapped index of the first sample.
        ticks: Unwrapped clock of the sensor at the first sample.
        lsb: SI units of one count; NaN if unknown.
        counts: Samples, int32, shape (samples, channels).
    """

    boot_id: int
    stream: StreamDescription
    flags: BlockFlag
    first_index: int
    ticks: int
    lsb: float
    counts: NDArray[np.int32]

    @property
    def next_index(self) -> int:
        """Index after its last sample."""
        return self.first_index + len(self.counts)

    def continues(self, before: "Run") -> bool:
        """Whether it can be joined to the end of another run."""
        return (
            self.first_index == before.next_index
            and self.flags == before.flags
            and (self.boot_id, self.stream.stream) == (before.boot_id, before.stream.stream)
            and (self.lsb == before.lsb or (np.isnan(self.lsb) and np.isnan(before.lsb)))
        )

    def to_block(self, session: UUID, first_utc_ns: int) -> SampleBlock:
        """Return it as a block to be published."""
        return SampleBlock(
            session,
            self.boot_id,
            self.stream.stream,
            self.flags,
            self.first_index,
            first_utc_ns,
            self.stream.rate_hz,
            self.lsb,
            self.counts,
        )


def new_runs(seen: SamplesReceived) -> Iterator[Run]:
    """Yield the runs of a frame's samples that had not been present before."""
    boot, frame, placement = seen.boot, seen.frame, seen.placement
    if not placement.fresh:
        return
    stream = boot.assemblies[frame.stream].stream
    counts = decode_samples(frame.payload, channels=stream.channels, form=stream.format)
    flags = to_block_flags(frame.flags, boot.info.origin)
    for start, end in placement.fresh:
        skipped = start - placement.first_index
        yield Run(
            boot.info.boot_id,
            stream,
            flags,
            start,
            boot.ticks_at(frame.stream, placement, skipped),
            boot.lsb_at(frame.stream, start),
            counts[skipped : skipped + end - start],
        )


def to_block_flags(flags: FrameFlag, origin: Origin) -> BlockFlag:
    """Return the flags of a block for a frame's flags and the origin of its samples."""
    block_flags = _ORIGINS[origin]
    for frame_flag, block_flag in _FLAGS:
        if frame_flag in flags:
            block_flags |= block_flag
    return block_flags


def join_runs(runs: Iterable[Run], *, longest_s: float) -> Iterator[Run]:
    """Join runs that follow each other to runs of at most `longest_s` seconds; a longer one is left as it is."""
    waiting: list[Run] = []
    length = 0
    for run in runs:
        max_samples = min(round(longest_s * run.stream.rate_hz), MAX_BLOCK_SAMPLES)
        if waiting and not (run.continues(waiting[-1]) and length + len(run.counts) <= max_samples):
            yield _concatenate(waiting)
            waiting, length = [], 0
        waiting.append(run)
        length += len(run.counts)
    if waiting:
        yield _concatenate(waiting)


def _concatenate(runs: list[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]
    return replace(runs[0], counts=np.concatenate([run.counts for run in runs]))
