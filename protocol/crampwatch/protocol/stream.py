"""What a stream of samples is: its rate, scale, band and channels, as the sensor itself describes it."""

import math
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["SampleFormat", "StreamDescription", "StreamKind"]


class StreamKind(IntEnum):
    """What a stream measures (CWS v1, Info, stream descriptor octet 1)."""

    EMG = 1
    TEMPERATURE = 2
    ACCELERATION = 3
    IMPEDANCE = 4


class SampleFormat(IntEnum):
    """How one sample is written (CWS v1, Info, stream descriptor octet 3); both little-endian, signed."""

    INT16 = 1
    INT24 = 2

    @property
    def sample_bytes(self) -> int:
        """Octets a sample takes on the wire."""
        return 2 if self is SampleFormat.INT16 else 3


@dataclass(frozen=True, slots=True)
class StreamDescription:
    """One stream of interleaved samples.

    Attributes:
        stream: 1 to 15.
        kind: What is measured.
        channels: Samples taken at one instant.
        format: Octets a sample takes on the wire.
        rate_hz: Samples a second and channel.
        lsb: SI units (V, degC, m/s2, ohm) of one count; NaN where the scale is unknown.
        offset: SI value of count 0.
        band_hz: Pass band of the front end; (0, rate / 2) where not told.
        labels: One a channel; empty where not told.
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
        """Microvolts of one count; NaN where the scale is unknown."""
        return self.lsb * 1e6

    @property
    def has_scale(self) -> bool:
        """Whether counts can be told in SI units."""
        return math.isfinite(self.lsb) and self.lsb > 0
