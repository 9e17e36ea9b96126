"""A signal source as a sensor would record it: counts that clip at the rails, gaps that stay gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings.signal_source import SignalSource
from numpy.typing import NDArray

__all__ = ["CountBlock", "SimulatedChunk", "chunks", "to_counts"]

COUNT_MIN, COUNT_MAX = -32768, 32767


@dataclass(frozen=True, slots=True)
class CountBlock:
    """Samples without a gap.

    Attributes:
        first_index: Index of the first sample.
        counts: int16, shape (samples, channels).
    """

    first_index: int
    counts: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class SimulatedChunk:
    """A stretch of time of a simulated recording.

    Attributes:
        first_index: Index of the first sample of the stretch, delivered or not.
        samples: Length of the stretch in samples, missing ones included.
        blocks: What the sensor delivered, in order; none where all is missing.
        temperature_first_index: Index of the first temperature sample of the stretch.
        temperature_c: Skin temperature, shape (samples at the temperature rate,).
    """

    first_index: int
    samples: int
    blocks: tuple[CountBlock, ...]
    temperature_first_index: int
    temperature_c: NDArray[np.float64]


def chunks(
    source: SignalSource, *, chunk_samples: int = 60_000, stop_index: int | None = None
) -> Iterator[SimulatedChunk]:
    """Yield a source from its first sample on, in stretches of `chunk_samples`.

    Args:
        source: What to read; its scale must be known.
        chunk_samples: Samples in a stretch; the last may be shorter. Memory use is proportional to it.
        stop_index: Where to end; None for the end of the source.

    Raises:
        ConfigurationError: The source never ends and no `stop_index` is given.
    """
    ends = [end for end in (source.duration_samples, stop_index) if end is not None]
    if not ends:
        raise ConfigurationError("This scenario never ends.", advice="Say how many hours to write.")
    end_index = min(ends)
    for first_index in range(0, end_index, chunk_samples):
        yield _chunk(source, first_index, min(chunk_samples, end_index - first_index))


def to_counts(samples_uv: NDArray[np.float64], lsb_uv: float) -> NDArray[np.int16]:
    """Round microvolts to counts of `lsb_uv`, saturating at the int16 rails; NaN is not allowed."""
    return np.clip(np.rint(samples_uv / lsb_uv), COUNT_MIN, COUNT_MAX).astype(np.int16)


def _chunk(source: SignalSource, first_index: int, count: int) -> SimulatedChunk:
    samples_uv = source.read(first_index, count)
    samples_per_temperature = source.stream.rate_hz / source.temperature_rate_hz
    temperature_first = ceil(first_index / samples_per_temperature)
    temperature_end = ceil((first_index + count) / samples_per_temperature)
    return SimulatedChunk(
        first_index=first_index,
        samples=count,
        blocks=tuple(_blocks(samples_uv, first_index, source.stream.lsb_uv)),
        temperature_first_index=temperature_first,
        temperature_c=source.temperature_c(temperature_first, temperature_end - temperature_first),
    )


def _blocks(samples_uv: NDArray[np.float64], first_index: int, lsb_uv: float) -> Iterator[CountBlock]:
    present = np.isfinite(samples_uv).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], present, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        yield CountBlock(first_index + int(start), to_counts(samples_uv[start:stop], lsb_uv))
