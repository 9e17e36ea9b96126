"""The Event characteristic: what the sensor reports at once (docs/protocol.md section 6)."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from crampwatch.protocol.checksum import append_checksum, strip_checksum
from crampwatch.protocol.errors import FrameError

__all__ = ["EventCode", "SensorEvent"]

_HEADER: Final = struct.Struct("<BBII")
_MAX_PAYLOAD_BYTES: Final = 16


class EventCode(IntEnum):
    """What happened, and below each code the layout of its payload."""

    OVERFLOW = 1
    """u32: samples the sensor lost since the previous overflow event."""
    LEAD_CHANGE = 2
    """u16: bit n set where channel n has no contact."""
    LOW_BATTERY = 3
    """u8: percent left."""
    SELF_TEST = 4
    """u8: 1 started, 0 ended."""
    GAIN_CHANGED = 5
    """f32: SI units of one count from the next frame on."""
    BUTTON = 6
    """Empty: the wearer pressed the button, to mark the moment."""
    STREAM_ENDED = 7
    """Empty: the stream has no more samples, as at the end of a replayed recording."""


@dataclass(frozen=True, slots=True)
class SensorEvent:
    """One notification of the Event characteristic.

    Attributes:
        code: An :class:`EventCode`, or an unknown one of a newer sensor, which is recorded all the same.
        stream: The stream it concerns; 0 for the sensor as a whole.
        index: Index of that stream's next sample, modulo 2**32.
        ticks: The sensor's clock, modulo 2**32.
        payload: At most 16 bytes.
    """

    code: int
    stream: int
    index: int
    ticks: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        return append_checksum(_HEADER.pack(self.code, self.stream, self.index, self.ticks) + self.payload)

    @classmethod
    def decode(cls, packet: bytes) -> "SensorEvent":
        """Decode an event.

        Raises:
            FrameError: Wrong length or checksum.
        """
        shortest, longest = _HEADER.size + 2, _HEADER.size + _MAX_PAYLOAD_BYTES + 2
        if not shortest <= len(packet) <= longest:
            raise FrameError(f"An event has {len(packet)} bytes; expected {shortest} to {longest}.")
        body = strip_checksum(packet)
        code, stream, index, ticks = _HEADER.unpack_from(body)
        return cls(code, stream, index, ticks, body[_HEADER.size :])
