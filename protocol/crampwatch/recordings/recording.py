"""A recording that can be read from its first sample to its last, whatever file it comes from."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from numpy.typing import NDArray

__all__ = ["BLOCK_SAMPLES", "Recording", "Temperature", "describe_stream"]

Samples = NDArray[np.float64]
Temperature = tuple[Samples, float]
"""Skin temperature in degC, NaN where missing, from the instant of the first sample on; its rate in Hz."""

BLOCK_SAMPLES = 65_536
"""Samples a channel that a reader holds at once: 1 MB for two channels, a minute at 1 kHz."""

_LARGEST_VALUE = 1e12
"""Beyond this a value is no measurement (a million volts in microvolts) and would overflow a filter."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording, opened but not loaded.

    Attributes:
        stream: Rate, scale, band and labels; its scale is unknown where the file does not tell.
        blocks: Opens the file anew and yields consecutive pieces, shape (n, channels), from sample 0 on.
            Values and missing samples are as in `chunks`; the sizes are the reader's own.
        origin: DEMO where a simulator wrote it.
        source_text: What was read: file, format, chosen channels, scale.
        start_utc_ns: Time of the first sample; None where the file does not tell.
        sample_count: Samples a channel, gaps included; None where only reading to the end would tell.
        temperature: Skin temperature beside the EMG; None where there is none.
        value_step: Smallest step between values, in the unit of `chunks`; NaN where unknown.
        warnings: What is wrong with the file but did not keep it from being read, one sentence each.
        sensor: Which one recorded it; empty where nobody tells.
    """

    stream: StreamDescription
    blocks: Callable[[], Iterable[Samples]]
    origin: Origin
    source_text: str
    start_utc_ns: int | None = None
    sample_count: int | None = None
    temperature: Temperature | None = None
    value_step: float = math.nan
    warnings: tuple[str, ...] = ()
    sensor: str = ""

    def __repr__(self) -> str:
        return f"<Recording {self.source_text}: {self.sample_count} samples at {self.stream.rate_hz:g} Hz>"

    def chunks(self, chunk_samples: int) -> Iterator[Samples]:
        """Yield all samples in order, from index 0; may be called again for another pass.

        Args:
            chunk_samples: Samples in a chunk, at least 1; only the last chunk may be shorter.

        Yields:
            Shape (n, channels): microvolts, or the file's own units where the scale is unknown; NaN where
            a sample is missing. The receiver may keep or change it.

        Raises:
            RecordingError: The file changed, vanished or turns out unreadable further in.
        """
        if chunk_samples < 1:
            raise ValueError(f"a chunk holds at least one sample, not {chunk_samples}")
        try:
            for chunk in _rechunk(self.blocks(), chunk_samples):
                chunk[~(np.abs(chunk) <= _LARGEST_VALUE)] = math.nan
                yield chunk
        except OSError as error:
            raise RecordingError(
                f"Reading stopped in the middle of a recording ({self.source_text}): {error.strerror or error}.",
                advice="Check that the file is still there and the disk is sound, then start again.",
            ) from error


def describe_stream(
    *,
    labels: Sequence[str],
    rate_hz: float,
    lsb_uv: float,
    sample_format: SampleFormat,
    band_hz: tuple[float, float] | None = None,
) -> StreamDescription:
    """Describe the EMG of a recording; a band that is not told reaches to half the rate."""
    return StreamDescription(
        stream=1,
        kind=StreamKind.EMG,
        channels=len(labels),
        format=sample_format,
        rate_hz=rate_hz,
        lsb=lsb_uv * 1e-6,
        band_hz=band_hz or (0.0, rate_hz / 2),
        labels=tuple(label or f"EMG {number}" for number, label in enumerate(labels, 1)),
    )


def _rechunk(blocks: Iterable[Samples], chunk_samples: int) -> Iterator[Samples]:
    """Cut and join pieces of any size into fresh arrays of one size."""
    chunk: Samples | None = None
    filled = 0
    for block in blocks:
        taken = 0
        while taken < len(block):
            if chunk is None:
                chunk, filled = np.empty((chunk_samples, block.shape[1])), 0
            step = min(chunk_samples - filled, len(block) - taken)
            chunk[filled : filled + step] = block[taken : taken + step]
            filled, taken = filled + step, taken + step
            if filled == chunk_samples:
                yield chunk
                chunk = None
    if chunk is not None:
        yield chunk[:filled]
