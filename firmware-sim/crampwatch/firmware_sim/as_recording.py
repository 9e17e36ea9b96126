"""A simulated signal as a recording: what a sensor would have recorded of it."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
from crampwatch.firmware_sim.simulate import SimulatedChunk, chunks
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording, Samples
from crampwatch.recordings.signal_source import SignalSource

__all__ = ["simulated_recording"]


def simulated_recording(
    source: SignalSource, *, start_utc_ns: int | None = None, stop_index: int | None = None
) -> Recording:
    """Return a source as a recording, in counts of its own scale; marked as a demonstration.

    Args:
        source: What to record.
        start_utc_ns: Time of the first sample; None tells none.
        stop_index: Where to end; None for the end of the source.

    Raises:
        ConfigurationError: The source never ends and no `stop_index` is given.
    """
    ends = [end for end in (source.duration_samples, stop_index) if end is not None]
    if not ends:
        raise ConfigurationError("This scenario never ends.", advice="Say how many hours to write.")
    count = min(ends)
    temperatures = math.ceil(count * source.temperature_rate_hz / source.stream.rate_hz)
    pieces = pairwise([*range(0, temperatures, BLOCK_SAMPLES), temperatures])
    values = [source.temperature_c(first, stop - first) for first, stop in pieces]
    return Recording(
        stream=source.stream,
        blocks=partial(_blocks, source, count),
        origin=Origin.DEMO,
        source_text="a simulated sensor",
        start_utc_ns=start_utc_ns,
        sample_count=count,
        temperature=(np.concatenate(values), source.temperature_rate_hz) if values else None,
        value_step=source.stream.lsb_uv,
    )


def _blocks(source: SignalSource, stop_index: int) -> Iterator[Samples]:
    for chunk in chunks(source, stop_index=stop_index):
        yield _joined(chunk, source)


def _joined(chunk: SimulatedChunk, source: SignalSource) -> Samples:
    joined = np.full((chunk.samples, source.stream.channels), math.nan)
    for block in chunk.blocks:
        first = block.first_index - chunk.first_index
        joined[first : first + len(block.counts)] = block.counts * source.stream.lsb_uv
    return joined
