"""Payloads of the session records that the collector itself makes up (docs/session-file.md, "Kinds of records").

Most records hold a value exactly as the sensor sent it; its profile decodes those. The records here describe what the
sensor never sends: that a connection began or ended, how long a clock reading took, how strong the radio was, that the
wall clock stepped, and which samples are lost. Their layouts are part of the file format and never change; a new layout
gets a new `RecordKind`. All numbers are little-endian.

Each class decodes exactly what it encodes and raises `FrameError` on any other length, so that a damaged record is
counted as broken instead of shifting a clock.
"""

import json
import struct
from dataclasses import dataclass
from typing import Final

from crampwatch.protocol.errors import FrameError

__all__ = ["ClockStep", "Connected", "Disconnected", "LostSamples", "SignalStrength", "SyncExchange"]

_SYNC: Final = struct.Struct("<qqII")
_LOST: Final = struct.Struct("<QQQ")
_CLOCK_STEP: Final = struct.Struct("<q")
_RSSI: Final = struct.Struct("<b")


@dataclass(frozen=True, slots=True)
class Connected:
    """`RecordKind.CONNECTED`: a connection was made.

    Attributes:
        address: The sensor's radio address; empty where the record does not say.
        mtu: Bytes an ATT packet can carry; None where the operating system does not report it.
    """

    address: str
    mtu: int | None = None

    def encode(self) -> bytes:
        """Return the payload, a JSON object."""
        return json.dumps({"address": self.address, "mtu": self.mtu}).encode()

    @classmethod
    def decode(cls, payload: bytes) -> "Connected":
        """Read the payload; fields that are missing or of another type count as not stated.

        Raises:
            FrameError: Not a JSON object.
        """
        try:
            fields = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise FrameError(f"A record of a connection is not JSON: {error}.") from error
        if not isinstance(fields, dict):
            raise FrameError(f"A record of a connection holds {type(fields).__name__}; expected a JSON object.")
        address, mtu = fields.get("address"), fields.get("mtu")
        return cls(address if isinstance(address, str) else "", mtu if type(mtu) is int else None)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """`RecordKind.DISCONNECTED`: a connection ended, with the reason as text for people."""

    reason: str

    def encode(self) -> bytes:
        """Return the payload, UTF-8 text."""
        return self.reason.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "Disconnected":
        """Read the payload.

        Raises:
            FrameError: Not UTF-8.
        """
        try:
            return cls(payload.decode())
        except UnicodeDecodeError as error:
            raise FrameError(f"The reason for a disconnection is not UTF-8: {error}.") from error


@dataclass(frozen=True, slots=True)
class SyncExchange:
    """`RecordKind.SYNC`: the sensor read its clock at some moment between two readings of ours.

    Attributes:
        before_ns: The collector's monotonic clock just before the request was sent.
        after_ns: The same clock just after the reply arrived.
        ticks: The sensor's clock, modulo 2**32.
        index: Index of the next sample of its lowest EMG stream, modulo 2**32, read at the same moment.
    """

    before_ns: int
    after_ns: int
    ticks: int
    index: int

    def encode(self) -> bytes:
        """Return the payload; ticks and index together form the third 64-bit number, ticks in its high half."""
        return _SYNC.pack(self.before_ns, self.after_ns, self.index, self.ticks)

    @classmethod
    def decode(cls, payload: bytes) -> "SyncExchange":
        """Read the payload.

        Raises:
            FrameError: Wrong length.
        """
        before_ns, after_ns, index, ticks = _unpacked(_SYNC, payload, "sync exchange")
        return cls(before_ns, after_ns, ticks, index)


@dataclass(frozen=True, slots=True)
class SignalStrength:
    """`RecordKind.RSSI`: how strongly the sensor was received, in dBm."""

    dbm: int

    def encode(self) -> bytes:
        """Return the payload, one signed byte."""
        return _RSSI.pack(self.dbm)

    @classmethod
    def decode(cls, payload: bytes) -> "SignalStrength":
        """Read the payload.

        Raises:
            FrameError: Wrong length.
        """
        return cls(*_unpacked(_RSSI, payload, "signal strength"))


@dataclass(frozen=True, slots=True)
class ClockStep:
    """`RecordKind.CLOCK_STEP`: the wall clock moved by `step_ns` against the monotonic clock; forwards is positive."""

    step_ns: int

    def encode(self) -> bytes:
        """Return the payload."""
        return _CLOCK_STEP.pack(self.step_ns)

    @classmethod
    def decode(cls, payload: bytes) -> "ClockStep":
        """Read the payload.

        Raises:
            FrameError: Wrong length.
        """
        return cls(*_unpacked(_CLOCK_STEP, payload, "clock step"))


@dataclass(frozen=True, slots=True)
class LostSamples:
    """`RecordKind.GAP`: samples that were never received and that the sensor no longer holds either.

    Attributes:
        stream: Number of the stream.
        first_index: Index of the first lost sample since the sensor's boot, unwrapped.
        samples: How many were lost.
    """

    stream: int
    first_index: int
    samples: int

    def encode(self) -> bytes:
        """Return the payload."""
        return _LOST.pack(self.stream, self.first_index, self.samples)

    @classmethod
    def decode(cls, payload: bytes) -> "LostSamples":
        """Read the payload.

        Raises:
            FrameError: Wrong length.
        """
        return cls(*_unpacked(_LOST, payload, "gap"))


def _unpacked(layout: struct.Struct, payload: bytes, what: str) -> tuple[int, ...]:
    if len(payload) != layout.size:
        raise FrameError(f"A {what} record has {len(payload)} bytes; expected {layout.size}.")
    return layout.unpack(payload)
