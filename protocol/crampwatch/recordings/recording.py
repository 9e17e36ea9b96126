"""A recording: opened from any file, read piece by piece or as one array.

A night of several channels does not fit into the memory of a small computer, so a `Recording` holds no samples. It
knows how to open its file again and yields pieces (`chunks`), as often as needed; `samples` joins them for those who
want one array. Every reader delivers the same thing:

- microvolts in float64, shape (samples, channels), first sample at index 0;
- NaN where a sample is missing, be it a gap, a count reserved for "missing" or a value that is no measurement;
- where the file does not state its scale, numbers in the file's own units, and `has_scale` is false.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.samples import LARGEST_VALUE
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from numpy.typing import NDArray

__all__ = ["BLOCK_SAMPLES", "Recording", "Temperature", "describe_stream"]

Samples = NDArray[np.float64]

BLOCK_SAMPLES = 65_536
"""Samples per channel that a reader holds at once: 1 MB for two channels, a minute at 1 kHz."""


class Temperature(NamedTuple):
    """Skin temperature measured beside the EMG; its first value belongs to the first EMG sample.

    Attributes:
        values_c: Degrees Celsius, NaN where missing.
        rate_hz: Values per second.
    """

    values_c: Samples
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording, opened but not loaded.

    Attributes:
        stream: Sampling rate, scale, pass band and channel labels.
        blocks: Opens the file again and yields consecutive pieces of any size, shape (n, channels), from sample 0 on.
            For authors of formats; everyone else calls `chunks` or `samples`.
        origin: DEMO if a simulator wrote it.
        source_text: The file, its format, the chosen channels and the scale, for reports.
        start_utc_ns: Time of the first sample, or None if the file does not state it; see `start`.
        sample_count: Samples per channel, gaps included; None if only reading to the end would tell.
        temperature: None if the file has none.
        value_step: Smallest step between values, in the unit of the samples; NaN if unknown.
        warnings: What is wrong with the file without making it unreadable, one sentence each.
        sensor: Name of the sensor that recorded it, or empty.
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
        facts = [f"of {', '.join(self.labels)} at {self.rate_hz:g} Hz"]
        if self.duration_s is not None:
            facts.append(f"for {self.duration_s:.10g} s")
        if self.start is not None:
            facts.append(f"from {self.start:%Y-%m-%d %H:%M:%S} UTC")
        if self.is_simulated:
            facts.append("simulated")
        return f"<Recording {' '.join(facts)}: {self.source_text}>"

    @property
    def rate_hz(self) -> float:
        """Samples per second of each channel."""
        return self.stream.rate_hz

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the columns of `samples`."""
        return self.stream.labels

    @property
    def has_scale(self) -> bool:
        """Whether values are microvolts rather than the file's own units."""
        return self.stream.has_scale

    @property
    def is_simulated(self) -> bool:
        """Whether the signal was made by a simulator, not measured on a person."""
        return self.origin is Origin.DEMO

    @property
    def start(self) -> datetime | None:
        """Time of the first sample, in UTC to the microsecond; None if the file does not state it."""
        if self.start_utc_ns is None:
            return None
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.start_utc_ns // 1000)

    @property
    def duration_s(self) -> float | None:
        """Length, gaps included; None if only reading to the end would tell."""
        return None if self.sample_count is None else self.sample_count / self.rate_hz

    def samples(self) -> Samples:
        """Load the whole recording: shape (samples, channels), float64, values as in `chunks`.

        Needs twice the memory of the result while it is loading: a night of two channels at 1 kHz takes 1 GB.

        Raises:
            RecordingError: As `chunks` does.
        """
        return np.concatenate([np.empty((0, self.stream.channels)), *self.chunks(BLOCK_SAMPLES)])

    def chunks(self, chunk_samples: int) -> Iterator[Samples]:
        """Yield all samples in order, from index 0; each call starts again from the beginning.

        Args:
            chunk_samples: Samples per chunk, at least 1; only the last chunk may be shorter.

        Yields:
            Shape (n, channels): microvolts, or the file's own units if the scale is unknown; NaN where a sample is
            missing. The array belongs to the caller, who may change it.

        Raises:
            RecordingError: The file changed, vanished or turns out to be unreadable further in.
        """
        if chunk_samples < 1:
            raise ValueError(f"a chunk holds at least one sample, not {chunk_samples}")
        try:
            for chunk in _rechunked(self.blocks(), chunk_samples):
                chunk[~(np.abs(chunk) <= LARGEST_VALUE)] = math.nan
                yield chunk
        except OSError as error:
            raise RecordingError(
                f"Reading stopped in the middle of a recording ({self.source_text}): {error.strerror or error}.",
                advice="Check that the file still exists and the disk works, then start again.",
            ) from error


def describe_stream(
    *,
    labels: Sequence[str],
    rate_hz: float,
    lsb_uv: float,
    sample_format: SampleFormat,
    band_hz: tuple[float, float] | None = None,
) -> StreamDescription:
    """Describe the EMG of a recording, for authors of formats.

    Args:
        labels: One per channel; an empty one becomes "EMG" and the channel's number.
        rate_hz: Samples per second.
        lsb_uv: Microvolts of the smallest step; NaN if the scale is unknown.
        sample_format: The narrowest format that holds the values in steps of `lsb_uv`.
        band_hz: Pass band; None if the file does not state it: wide open, from 0 to half the rate.
    """
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


def _rechunked(blocks: Iterable[Samples], chunk_samples: int) -> Iterator[Samples]:
    """Cut and join pieces of any size into new arrays of one size."""
    chunk: Samples | None = None
    filled = 0
    for block in blocks:
        used = 0
        while used < len(block):
            if chunk is None:
                chunk, filled = np.empty((chunk_samples, block.shape[1])), 0
            step = min(chunk_samples - filled, len(block) - used)
            chunk[filled : filled + step] = block[used : used + step]
            filled, used = filled + step, used + step
            if filled == chunk_samples:
                yield chunk
                chunk = None
    if chunk is not None:
        yield chunk[:filled]
