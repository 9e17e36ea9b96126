"""Raw EMG around episodes: which samples are kept, cut into seconds on the grid of the sample index (pure)."""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
import numpy as np
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import Episode, Message, Unit
from msgspec import Meta
from numpy.typing import NDArray

__all__ = ["AFTER_S", "BEFORE_S", "CAP_S", "RawChunk", "chunk_of", "chunk_samples", "wanted_span"]

BEFORE_S: Final = 5.0
AFTER_S: Final = 10.0
CAP_S: Final = 120.0
"""Of a longer episode only so much is kept: a minute of two channels takes 0.2 MB, and the session file has it all."""


class RawChunk(Message, frozen=True, kw_only=True):
    """A second of raw EMG of one stream. It is not said on MQTT: the store makes it of the samples it hears.

    Seconds are counted by the sample index, so that what is kept twice, by two episodes close by or after a restart,
    is the same second.

    Attributes:
        session: The recording it belongs to.
        boot_id: Of the sensor.
        stream: Of the sensor.
        chunk: Number of the second since the boot; its first sample has the index ``chunk * chunk_samples(rate_hz)``.
        rate_hz: Samples a second.
        unit: Of the values.
        channels: Samples at one instant.
        packed: Values, float32 little-endian, shape (samples, channels), NaN where a sample is missing.
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
        return self.chunk * chunk_samples(self.rate_hz)

    @property
    def values(self) -> NDArray[np.float32]:
        """The samples, shape (samples, channels)."""
        return np.frombuffer(self.packed, "<f4").reshape(-1, self.channels)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which samples there are, shape (samples,)."""
        known: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(self.values), axis=1)
        return known

    def filled_by(self, other: "RawChunk") -> "RawChunk":
        """Return this second with what it lacks taken from another telling of it."""
        if other.channels != self.channels or len(other.packed) != len(self.packed):
            return self
        values = np.where(np.isfinite(self.values), self.values, other.values)
        return msgspec.structs.replace(self, packed=values.astype("<f4").tobytes())


def chunk_samples(rate_hz: float) -> int:
    """Return how many samples a chunk has: those of a second.

    >>> chunk_samples(1000.0)
    1000
    """
    return max(1, round(rate_hz))


def wanted_span(episode: Episode) -> tuple[int, int]:
    """Return first and last-but-one sample index worth keeping of one revision of an episode.

    While it lasts, that is up to where it is known to last. So what is kept in the end is what all revisions want
    together, in whatever order they came.
    """
    rate_hz = episode.rate_hz
    begin = max(0, episode.onset_index - round(BEFORE_S * rate_hz))
    longest = episode.onset_index + round(CAP_S * rate_hz)
    if episode.offset_index is None:
        return begin, max(begin, min(episode.detected_index, longest))
    return begin, min(episode.offset_index, longest) + round(AFTER_S * rate_hz)


def chunk_of(sensor: str, chunk: int, blocks: Iterable[SampleBlock]) -> RawChunk | None:
    """Return a second made of the blocks that reach into it; None where no sample of it is there.

    Args:
        sensor: Id.
        chunk: Number of the second.
        blocks: Of one stream of one boot; where they overlap, the first holds.
    """
    blocks = list(blocks)
    if not blocks:
        return None
    samples = chunk_samples(blocks[0].rate_hz)
    first = chunk * samples
    values = np.full((samples, blocks[0].counts.shape[1]), np.nan, "<f4")
    for block in reversed(blocks):
        _fill(values, first, block)
    if not np.isfinite(values).any():
        return None
    source = blocks[0]
    return RawChunk(
        sensor=sensor,
        t_ns=source.first_utc_ns + round((first - source.first_index) * 1e9 / source.rate_hz),
        origin=_origin(source.flags),
        session=str(source.session),
        boot_id=source.boot_id,
        stream=source.stream,
        chunk=chunk,
        rate_hz=source.rate_hz,
        unit="uV" if np.isfinite(source.lsb) else "relative",
        channels=values.shape[1],
        packed=values.tobytes(),
    )


def _fill(values: NDArray[np.float32], first: int, block: SampleBlock) -> None:
    begin, end = max(first, block.first_index), min(first + len(values), block.next_index)
    if begin < end and block.counts.shape[1] == values.shape[1]:
        scale = block.lsb * 1e6 if np.isfinite(block.lsb) else 1.0
        values[begin - first : end - first] = block.counts[begin - block.first_index : end - block.first_index] * scale


def _origin(flags: BlockFlag) -> Origin:
    if flags & BlockFlag.SIMULATED:
        return Origin.DEMO
    return Origin.REPLAY if flags & BlockFlag.REPLAY else Origin.LIVE
