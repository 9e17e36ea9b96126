"""Raw EMG around episodes: which samples are stored, and how they are cut into chunks of one second (pure).

A chunk is not cut at the episode but on a fixed grid of the sample index: chunk ``n`` holds the samples from ``n *
rate`` up to ``(n + 1) * rate``. So the same sample is always in the same chunk, and chunks requested twice (by two
episodes close by, by several revisions of one, after a restart) are stored once, whatever the order and size of the
sample blocks. A chunk may be incomplete; what arrives late fills it (:meth:`RawChunk.filled_from`).
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
import numpy as np
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import Episode, Message, Unit
from msgspec import Meta
from numpy.typing import NDArray

__all__ = ["AFTER_S", "BEFORE_S", "MAX_EPISODE_S", "RawChunk", "assemble_chunk", "excerpt_span", "samples_per_chunk"]

BEFORE_S: Final = 5.0
"""Stored before the onset: enough of rest to compare with."""
AFTER_S: Final = 10.0
"""Stored after the end: a muscle that cramped may still fire for some seconds."""
MAX_EPISODE_S: Final = 120.0
"""Stored of an episode at most: a minute of two channels takes 0.2 MB, and the session file has all of it."""


class RawChunk(Message, frozen=True, kw_only=True):
    """One second of raw EMG of one stream.

    It is not published on MQTT: the store service makes it of the sample blocks that it receives.

    Attributes:
        session: UUID of the recording.
        boot_id: Boot of the sensor that the sample index counts from.
        chunk: Number of the chunk; its first sample has the index ``chunk * samples_per_chunk(rate_hz)``.
        packed: Values in `unit`, float32 little-endian, shape (samples, channels), NaN where a sample is missing.
    """

    session: str
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)]
    stream: Annotated[int, Meta(ge=1, le=15)]
    chunk: Annotated[int, Meta(ge=0, lt=1 << 53)]
    rate_hz: Annotated[float, Meta(gt=0, le=100_000)]
    unit: Unit
    channels: Annotated[int, Meta(ge=1, le=64)]
    packed: bytes

    @property
    def first_index(self) -> int:
        """Sample index of the first row."""
        return self.chunk * samples_per_chunk(self.rate_hz)

    @property
    def values(self) -> NDArray[np.float32]:
        """The samples, shape (samples, channels)."""
        return np.frombuffer(self.packed, "<f4").reshape(-1, self.channels)

    @property
    def is_present(self) -> NDArray[np.bool_]:
        """For each sample whether the values of all channels are present, shape (samples,)."""
        is_present: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(self.values), axis=1)
        return is_present

    def filled_from(self, other: "RawChunk") -> "RawChunk":
        """Return this chunk with its missing values taken from another version of the same chunk."""
        if other.channels != self.channels or len(other.packed) != len(self.packed):
            return self
        values = np.where(np.isfinite(self.values), self.values, other.values)
        return msgspec.structs.replace(self, packed=values.astype("<f4").tobytes())


def samples_per_chunk(rate_hz: float) -> int:
    """Return the number of samples in a chunk: those of one second.

    >>> samples_per_chunk(1000.0)
    1000
    """
    return max(1, round(rate_hz))


def excerpt_span(episode: Episode) -> tuple[int, int]:
    """Return the sample indices ``first <= index < end`` to store for one revision of an episode.

    For an episode that still lasts the excerpt ends at its detection. What is stored in the end is the union of the
    spans of all revisions, and a union does not depend on the order in which they arrive.
    """
    rate_hz = episode.rate_hz
    start = max(0, episode.onset_index - round(BEFORE_S * rate_hz))
    longest = episode.onset_index + round(MAX_EPISODE_S * rate_hz)
    if episode.offset_index is None:
        return start, max(start, min(episode.detected_index, longest))
    return start, min(episode.offset_index, longest) + round(AFTER_S * rate_hz)


def assemble_chunk(sensor: str, chunk: int, blocks: Iterable[SampleBlock]) -> RawChunk | None:
    """Return a chunk made of the blocks that overlap it; None if it has no sample.

    Args:
        sensor: Sensor id.
        chunk: Number of the chunk.
        blocks: Blocks of one stream of one boot; where they overlap, the values of the first are used.
    """
    blocks = list(blocks)
    if not blocks:
        return None
    samples = samples_per_chunk(blocks[0].rate_hz)
    first = chunk * samples
    values = np.full((samples, blocks[0].counts.shape[1]), np.nan, "<f4")
    for block in reversed(blocks):
        _copy_samples(values, first, block)
    if not np.isfinite(values).any():
        return None
    source = blocks[0]
    return RawChunk(
        sensor=sensor,
        t_ns=source.first_utc_ns + round((first - source.first_index) * 1e9 / source.rate_hz),
        origin=_origin_from_flags(source.flags),
        session=str(source.session),
        boot_id=source.boot_id,
        stream=source.stream,
        chunk=chunk,
        rate_hz=source.rate_hz,
        unit="uV" if np.isfinite(source.lsb) else "relative",
        channels=values.shape[1],
        packed=values.tobytes(),
    )


def _copy_samples(values: NDArray[np.float32], first: int, block: SampleBlock) -> None:
    start, end = max(first, block.first_index), min(first + len(values), block.next_index)
    if start < end and block.counts.shape[1] == values.shape[1]:
        scale = block.lsb * 1e6 if np.isfinite(block.lsb) else 1.0
        values[start - first : end - first] = block.counts[start - block.first_index : end - block.first_index] * scale


def _origin_from_flags(flags: BlockFlag) -> Origin:
    if flags & BlockFlag.SIMULATED:
        return Origin.DEMO
    return Origin.REPLAY if flags & BlockFlag.REPLAY else Origin.LIVE
