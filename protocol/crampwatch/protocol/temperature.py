"""Temperature of the Environmental Sensing Service (0x2A6E): sint16 in 0.01 degC; 0x8000 if unknown."""

import math
import struct
from typing import Final

from crampwatch.protocol.errors import FrameError

__all__ = ["decode_temperature", "encode_temperature"]

_UNKNOWN: Final = -0x8000
_ABSOLUTE_ZERO: Final = -27_315


def encode_temperature(celsius: float) -> bytes:
    """Return the characteristic's value; NaN and temperatures out of range are encoded as unknown."""
    hundredths = round(celsius * 100) if math.isfinite(celsius) else _UNKNOWN
    return struct.pack("<h", hundredths if _ABSOLUTE_ZERO <= hundredths <= 0x7FFF else _UNKNOWN)


def decode_temperature(value: bytes) -> float:
    """Return degrees Celsius; NaN if the sensor has no reading.

    Raises:
        FrameError: Wrong length, or below absolute zero.
    """
    if len(value) != 2:
        raise FrameError(f"A temperature has {len(value)} bytes; expected 2.")
    hundredths = struct.unpack("<h", value)[0]
    if hundredths == _UNKNOWN:
        return math.nan
    if hundredths < _ABSOLUTE_ZERO:
        raise FrameError(f"A temperature of {hundredths / 100:.2f} degC is below absolute zero.")
    return float(hundredths) / 100
