"""The Control characteristic: acknowledged commands (docs/protocol.md section 4).

A request is ``op token params``; the sensor indicates ``F0 op token status params``. A backfill ends with a second
indication, ``F1 op token status params``, that states how much was sent. The scheme follows the Record Access Control
Point of the Bluetooth SIG.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.info import RingState

__all__ = [
    "DONE",
    "MAX_BACKFILL_SAMPLES",
    "REPLY",
    "Backfill",
    "BackfillDone",
    "Opcode",
    "Reply",
    "Request",
    "RingReport",
    "SettingKey",
    "Status",
    "SyncReply",
    "stream_mask",
    "streams_in",
]

REPLY: Final = 0xF0
DONE: Final = 0xF1
MAX_BACKFILL_SAMPLES: Final = 65_535
"""What its field of 16 bits can hold."""
_BACKFILL: Final = struct.Struct("<BIH")
_RING_HEAD: Final = struct.Struct("<II")
_RING_ROW: Final = struct.Struct("<BIII")
_SYNC: Final = struct.Struct("<II")
_MAX_BYTES: Final = 244
"""What fits into one packet at the preferred MTU of 247."""


class Opcode(IntEnum):
    """Command of a request."""

    INFO = 1
    START = 2
    STOP = 3
    SYNC = 4
    SET = 5
    BACKFILL = 6
    IDENTIFY = 7
    SELF_TEST = 8
    ABORT = 9


class Status(IntEnum):
    """Status of a reply."""

    SUCCESS = 0
    UNKNOWN_OPCODE = 1
    BAD_LENGTH = 2
    BAD_PARAMETER = 3
    BUSY = 4
    NOT_AVAILABLE = 5
    NOT_SUPPORTED = 6
    ABORTED = 7


class SettingKey(IntEnum):
    """Settings that SET can change."""

    NAME = 1
    """UTF-8, 1 to 20 bytes."""
    TEMPERATURE_INTERVAL = 2
    """u16, seconds between temperature notifications, 1 to 3600."""


def stream_mask(streams: tuple[int, ...]) -> bytes:
    """Return the parameter of START and STOP, in which bit n stands for stream n."""
    return sum(1 << stream for stream in streams).to_bytes(2, "little")


def streams_in(mask: bytes) -> tuple[int, ...]:
    """Return the streams in a mask.

    Raises:
        FrameError: Wrong length.
    """
    if len(mask) != 2:
        raise FrameError(f"A stream mask has {len(mask)} bytes; expected 2.")
    bits = int.from_bytes(mask, "little")
    return tuple(n for n in range(1, 16) if bits >> n & 1)


@dataclass(frozen=True, slots=True)
class Request:
    """A command; its replies repeat the ``token``."""

    opcode: int
    token: int
    params: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes to write."""
        return bytes([self.opcode, self.token]) + self.params

    @classmethod
    def decode(cls, value: bytes) -> "Request":
        """Decode a request; its opcode may be unknown.

        Raises:
            FrameError: Shorter than 2 bytes or longer than 244.
        """
        if not 2 <= len(value) <= _MAX_BYTES:
            raise FrameError(f"A request has {len(value)} bytes; expected 2 to {_MAX_BYTES}.")
        return cls(value[0], value[1], value[2:])


@dataclass(frozen=True, slots=True)
class Reply:
    """An indication on Control: the answer to a request, or (``done``) the end of a backfill."""

    opcode: int
    token: int
    status: Status
    params: bytes = b""
    done: bool = False

    def encode(self) -> bytes:
        """Return the bytes to indicate."""
        return bytes([DONE if self.done else REPLY, self.opcode, self.token, self.status]) + self.params

    @classmethod
    def decode(cls, value: bytes) -> "Reply":
        """Decode an indication.

        Raises:
            FrameError: Wrong length, or an unknown code or status.
        """
        if not 4 <= len(value) <= _MAX_BYTES:
            raise FrameError(f"A control reply has {len(value)} bytes; expected 4 to {_MAX_BYTES}.")
        code, opcode, token, status = value[:4]
        if code not in (REPLY, DONE) or status not in set(Status):
            raise FrameError(f"A control reply starts with {value[:4].hex(' ')}; expected f0 or f1 and a known status.")
        return cls(opcode, token, Status(status), value[4:], code == DONE)


@dataclass(frozen=True, slots=True)
class Backfill:
    """Parameters of a BACKFILL request: ``count`` samples of a stream from ``first_index`` (modulo 2**32) on.

    The reply that accepts it has the same layout and states what will be sent.
    """

    stream: int
    first_index: int
    count: int

    def encode(self) -> bytes:
        """Return the parameters."""
        return _BACKFILL.pack(self.stream, self.first_index, self.count)

    @classmethod
    def decode(cls, params: bytes) -> "Backfill":
        """Decode the parameters.

        Raises:
            FrameError: Wrong length.
        """
        if len(params) != _BACKFILL.size:
            raise FrameError(f"A backfill has {len(params)} bytes of parameters; expected {_BACKFILL.size}.")
        return cls(*_BACKFILL.unpack(params))


@dataclass(frozen=True, slots=True)
class BackfillDone:
    """Parameters of the indication that ends a backfill: number of frames and samples that were notified."""

    frames: int
    samples: int

    def encode(self) -> bytes:
        """Return the parameters."""
        return struct.pack("<HH", self.frames, self.samples)

    @classmethod
    def decode(cls, params: bytes) -> "BackfillDone":
        """Decode the parameters.

        Raises:
            FrameError: Wrong length.
        """
        if len(params) != 4:
            raise FrameError(f"The end of a backfill has {len(params)} bytes of parameters; expected 4.")
        return cls(*struct.unpack("<HH", params))


@dataclass(frozen=True, slots=True)
class SyncReply:
    """Parameters of the reply to SYNC: ticks, and the next index of the lowest EMG stream at the same moment."""

    ticks: int
    index: int

    def encode(self) -> bytes:
        """Return the parameters."""
        return _SYNC.pack(self.ticks, self.index)

    @classmethod
    def decode(cls, params: bytes) -> "SyncReply":
        """Decode the parameters.

        Raises:
            FrameError: Wrong length.
        """
        if len(params) != _SYNC.size:
            raise FrameError(f"A sync reply has {len(params)} bytes of parameters; expected {_SYNC.size}.")
        return cls(*_SYNC.unpack(params))


@dataclass(frozen=True, slots=True)
class RingReport:
    """Parameters of the reply to INFO: boot id, ticks and the current state of the ring buffers."""

    boot_id: int
    ticks: int
    rings: tuple[tuple[int, RingState], ...]

    def encode(self) -> bytes:
        """Return the parameters."""
        rows = (_RING_ROW.pack(number, ring.depth, ring.oldest, ring.next_index) for number, ring in self.rings)
        return _RING_HEAD.pack(self.boot_id, self.ticks) + b"".join(rows)

    @classmethod
    def decode(cls, params: bytes) -> "RingReport":
        """Decode the parameters.

        Raises:
            FrameError: Wrong length.
        """
        rows = params[_RING_HEAD.size :]
        if len(params) < _RING_HEAD.size or len(rows) % _RING_ROW.size or len(rows) > 15 * _RING_ROW.size:
            raise FrameError(
                f"A ring report has {len(params)} bytes of parameters; expected {_RING_HEAD.size} and up to 15 "
                f"times {_RING_ROW.size}."
            )
        boot_id, ticks = _RING_HEAD.unpack_from(params)
        return cls(boot_id, ticks, tuple((row[0], RingState(*row[1:])) for row in _RING_ROW.iter_unpack(rows)))
