"""The Event characteristic: what the sensor wants known at once (docs/protocol.md section 6)."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from crampwatch.protocol.checksum import append_checksum, strip_checksum
from crampwatch.protocol.errors import FrameError

__all__ = ["EventCode", "SensorEvent"]

_HEADER: Final = struct.Struct("<BBII")
_MAX_PAYLOAD: Final = 16


class EventCode(IntEnum):
    """What happened; the payload's layout follows the code."""

    OVERFLOW = 1
    """u32: samples the sensor lost since the previous overflow event."""
    LEAD_CHANGE = 2
    """u16: bit n set where channel n has no contact."""
    LOW_BATTERY = 3
    """u8: percent left."""
    SELF_TEST = 4
    """u8: 1 begun, 0 ended."""
    GAIN_CHANGED = 5
    """f32: SI units a count from the next frame on."""
    BUTTON = 6
    """None: the wearer pressed the button, to mark the moment."""
    STREAM_ENDED = 7
    """None: the stream has no more samples, as at the end of a recording that is played again."""


@dataclass(frozen=True, slots=True)
class SensorEvent:
    """One notification of the Event characteristic.

    Attributes:
        code: An :class:`EventCode`, or a later one that is kept but not understood.
        stream: The stream it concerns; 0 for the sensor as a whole.
        index: Index of that stream's next sample, modulo 2**32.
        ticks: The sensor's clock, modulo 2**32.
        payload: At most 16 octets.
    """

    code: int
    stream: int
    index: int
    ticks: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the octets on the wire."""
        return append_checksum(_HEADER.pack(self.code, self.stream, self.index, self.ticks) + self.payload)

    @classmethod
    def decode(cls, packet: bytes) -> "SensorEvent":
        """Read an event.

        Raises:
            FrameError: Wrong length or checksum.
        """
        least, most = _HEADER.size + 2, _HEADER.size + _MAX_PAYLOAD + 2
        if not least <= len(packet) <= most:
            raise FrameError(f"An event has {len(packet)} octets; expected {least} to {most}.")
        body = strip_checksum(packet)
        code, stream, index, ticks = _HEADER.unpack_from(body)
        return cls(code, stream, index, ticks, body[_HEADER.size :])
