"""Description of a stream of samples: rate, scale, band and channels, as stated by the sensor."""

import math
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["SampleFormat", "StreamDescription", "StreamKind"]


class StreamKind(IntEnum):
    """What a stream measures (CWS v1, Info, stream descriptor byte 1)."""

    EMG = 1
    TEMPERATURE = 2
    ACCELERATION = 3
    IMPEDANCE = 4


class SampleFormat(IntEnum):
    """Encoding of a sample (CWS v1, Info, stream descriptor byte 3); both are little-endian and signed."""

    INT16 = 1
    INT24 = 2

    @property
    def sample_bytes(self) -> int:
        """Size of a sample on the wire."""
        return 2 if self is SampleFormat.INT16 else 3


@dataclass(frozen=True, slots=True)
class StreamDescription:
    """One stream of interleaved samples.

    Attributes:
        stream: Number of the stream, 1 to 15.
        kind: What it measures.
        channels: Number of channels, sampled at the same instants.
        format: Encoding of its samples.
        rate_hz: Samples per second of each channel.
        lsb: SI units (V, degC, m/s2, ohm) of one count; NaN if the scale is unknown.
        offset: SI value of count 0.
        band_hz: Pass band of the front end; (0, 0) if not stated.
        labels: Label of each channel; empty if there are none.
    """

    stream: int
    kind: StreamKind
    channels: int
    format: SampleFormat
    rate_hz: float
    lsb: float = math.nan
    offset: float = 0.0
    band_hz: tuple[float, float] = (0.0, 0.0)
    labels: tuple[str, ...] = field(default=())

    @property
    def lsb_uv(self) -> float:
        """Microvolts of one count; NaN if the scale is unknown."""
        return self.lsb * 1e6

    @property
    def has_scale(self) -> bool:
        """Whether counts can be converted to SI units."""
        return math.isfinite(self.lsb) and self.lsb > 0
