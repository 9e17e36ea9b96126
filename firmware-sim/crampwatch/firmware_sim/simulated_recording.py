"""A simulated signal as a recording: what a sensor's 16-bit converter would have stored of it."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording, Samples, Temperature
from numpy.typing import NDArray

__all__ = ["COUNT_MAX", "COUNT_MIN", "simulated_recording", "to_counts"]

COUNT_MIN, COUNT_MAX = -32_768, 32_767


def simulated_recording(
    source: SignalSource, *, start_utc_ns: int | None = None, stop_index: int | None = None
) -> Recording:
    """Return a signal as a recording, digitised in steps of the source's scale and marked as simulated.

    Args:
        source: Read again on every pass over the recording; its scale must be known.
        start_utc_ns: Time of the first sample, if the recording is to state one.
        stop_index: Where to end, if that is before the end of the source.

    Raises:
        ConfigurationError: The source never ends and no `stop_index` is given.
    """
    ends = [end for end in (source.duration_samples, stop_index) if end is not None]
    if not ends:
        raise ConfigurationError("This scenario never ends.", advice="State how many hours to write.")
    return Recording(
        stream=source.stream,
        blocks=partial(_digitised_blocks, source, min(ends)),
        origin=Origin.DEMO,
        source_text="a simulated sensor",
        start_utc_ns=start_utc_ns,
        sample_count=min(ends),
        temperature=_temperature(source, min(ends)),
        value_step=source.stream.lsb_uv,
    )


def to_counts(samples_uv: NDArray[np.float64], lsb_uv: float) -> NDArray[np.int16]:
    """Round microvolts to counts of `lsb_uv`, saturating at the ends of the int16 range; NaN is not allowed."""
    return np.clip(np.rint(samples_uv / lsb_uv), COUNT_MIN, COUNT_MAX).astype(np.int16)


def _digitised_blocks(source: SignalSource, stop_index: int) -> Iterator[Samples]:
    for first_index in range(0, stop_index, BLOCK_SAMPLES):
        samples_uv = source.read(first_index, min(BLOCK_SAMPLES, stop_index - first_index))
        block = np.full(samples_uv.shape, math.nan)
        # A sensor sends the channels of one instant together, so they are missing together.
        is_present = np.isfinite(samples_uv).all(axis=1)
        block[is_present] = to_counts(samples_uv[is_present], source.stream.lsb_uv) * source.stream.lsb_uv
        yield block


def _temperature(source: SignalSource, samples: int) -> Temperature | None:
    count = math.ceil(samples * source.temperature_rate_hz / source.stream.rate_hz)
    blocks = [
        source.temperature_c(first, min(BLOCK_SAMPLES, count - first)) for first in range(0, count, BLOCK_SAMPLES)
    ]
    return Temperature(np.concatenate(blocks), source.temperature_rate_hz) if blocks else None
