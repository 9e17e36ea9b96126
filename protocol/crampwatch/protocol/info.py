"""The Info characteristic: the sensor's description of itself and its streams (docs/protocol.md section 3)."""

import math
import struct
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Final

from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind

__all__ = ["MAX_CHANNELS", "MAX_RATE_HZ", "Capability", "Info", "RingState", "mark_as_replay"]

MAJOR: Final = 1
MINOR: Final = 0
MAX_CHANNELS: Final = 64
"""High-density EMG grids have 64; a corrupt value must not make the detector allocate hundreds."""
MAX_RATE_HZ: Final = 100_000.0
"""Fifty times the usual rate of surface EMG."""
_HEADER: Final = struct.Struct("<BBBBBxHII")
_DESCRIPTOR: Final = struct.Struct("<BBBBIffHHHxxIII")
_CAPABILITIES_AT: Final = 6
_MAX_BYTES: Final = 512


class Capability(IntFlag):
    """Abilities of the sensor, and whether its samples are real."""

    BACKFILL = 1 << 0
    SELF_TEST = 1 << 1
    LEAD_OFF = 1 << 2
    GAIN = 1 << 3
    REPLAY = 1 << 14
    """The samples were recorded earlier and are replayed."""
    SIMULATED = 1 << 15
    """The samples never came from a muscle: every page, file and message is marked."""


@dataclass(frozen=True, slots=True)
class RingState:
    """Contents of a stream's ring buffer: samples ``oldest <= index < next_index``, modulo 2**32.

    Attributes:
        depth: Number of samples it can hold.
        oldest: Index of its oldest sample.
        next_index: Index that the next sample will get.
    """

    depth: int = 0
    oldest: int = 0
    next_index: int = 0


@dataclass(frozen=True, slots=True)
class Info:
    """The value of the Info characteristic.

    Attributes:
        capabilities: Abilities of the sensor.
        boot_id: Random number, new at every power-up; sample indices and ticks count from there.
        tick_hz: Rate of the sensor's clock.
        streams: Description of each stream.
        rings: Ring buffer of each stream, in the same order.
        samples_per_frame: Samples in a full frame of each stream at the preferred MTU, in the same order.
    """

    capabilities: Capability
    boot_id: int
    tick_hz: int
    streams: tuple[StreamDescription, ...]
    rings: tuple[RingState, ...]
    samples_per_frame: tuple[int, ...]

    @property
    def origin(self) -> Origin:
        """Origin of the sensor's samples; simulated ones stay simulated when they are replayed."""
        if Capability.SIMULATED in self.capabilities:
            return Origin.DEMO
        return Origin.REPLAY if Capability.REPLAY in self.capabilities else Origin.LIVE

    def encode(self) -> bytes:
        """Return the value of the characteristic."""
        head = _HEADER.pack(
            MAJOR,
            MINOR,
            _HEADER.size,
            _DESCRIPTOR.size,
            len(self.streams),
            self.capabilities,
            self.boot_id,
            self.tick_hz,
        )
        rows = zip(self.streams, self.rings, self.samples_per_frame, strict=True)
        return head + b"".join(_encode_descriptor(*row) for row in rows)

    @classmethod
    def decode(cls, value: bytes) -> "Info":
        """Decode the value; fields that later minor versions append to header or descriptors are skipped.

        Raises:
            FrameError: Wrong length, another major version, or a stream beyond the limits.
        """
        if not _HEADER.size <= len(value) <= _MAX_BYTES:
            raise FrameError(f"Info has {len(value)} bytes; expected {_HEADER.size} to {_MAX_BYTES}.")
        major, _minor, header_size, size, count, capabilities, boot_id, tick_hz = _HEADER.unpack_from(value)
        if major != MAJOR:
            raise FrameError(
                f"The sensor uses version {major} of the profile; expected version {MAJOR}.",
                advice="Update crampwatch or the sensor's firmware.",
            )
        _check_layout(len(value), header_size, size, count, tick_hz)
        rows = [_decode_descriptor(value, header_size + n * size) for n in range(count)]
        if len({stream.stream for stream, _, _ in rows}) != count:
            raise FrameError("Info describes two streams with the same number.")
        return cls(
            Capability(capabilities),
            boot_id,
            tick_hz,
            tuple(stream for stream, _, _ in rows),
            tuple(ring for _, ring, _ in rows),
            tuple(samples for _, _, samples in rows),
        )

    def find_stream(self, number: int) -> StreamDescription | None:
        """Return the stream of a number; None if the sensor has no such stream."""
        return next((stream for stream in self.streams if stream.stream == number), None)

    def with_rings(self, rings: tuple[RingState, ...]) -> "Info":
        """Return a copy with newer ring buffers."""
        return replace(self, rings=rings)


def mark_as_replay(value: bytes) -> bytes:
    """Return a value of Info with the replay flag set and every other byte unchanged.

    Raises:
        FrameError: The value cannot be decoded.
    """
    capabilities = Info.decode(value).capabilities | Capability.REPLAY
    return value[:_CAPABILITIES_AT] + capabilities.to_bytes(2, "little") + value[_CAPABILITIES_AT + 2 :]


def _check_layout(length: int, header_size: int, size: int, count: int, tick_hz: int) -> None:
    if header_size < _HEADER.size or size < _DESCRIPTOR.size or header_size + count * size > length:
        raise FrameError(
            f"Info states a header of {header_size} and {count} descriptors of {size} bytes; it has {length} bytes, "
            f"and header and descriptors have at least {_HEADER.size} and {_DESCRIPTOR.size}."
        )
    if not 1 <= count <= 15 or tick_hz == 0:
        raise FrameError(
            f"Info states {count} streams and a clock of {tick_hz} Hz; expected 1 to 15 streams and a clock rate."
        )


def _encode_descriptor(stream: StreamDescription, ring: RingState, samples_per_frame: int) -> bytes:
    low_hz, high_hz = stream.band_hz
    return _DESCRIPTOR.pack(
        stream.stream,
        stream.kind,
        stream.channels,
        stream.format,
        round(stream.rate_hz * 1000),
        stream.lsb,
        stream.offset,
        round(low_hz * 10),
        round(high_hz * 10),
        samples_per_frame,
        ring.depth,
        ring.oldest,
        ring.next_index,
    )


def _decode_descriptor(value: bytes, start: int) -> tuple[StreamDescription, RingState, int]:
    (number, kind, channels, form, rate_mhz, lsb, offset, low, high, samples, *ring) = _DESCRIPTOR.unpack_from(
        value, start
    )
    if number not in range(1, 16) or kind not in set(StreamKind) or form not in set(SampleFormat):
        raise FrameError(
            f"Info describes stream {number} of kind {kind} and format {form}, which CWS v1 does not define."
        )
    if not 1 <= channels <= MAX_CHANNELS or not 0 < rate_mhz <= MAX_RATE_HZ * 1000:
        raise FrameError(
            f"Stream {number} states {channels} channels at {rate_mhz / 1000:g} Hz; expected 1 to {MAX_CHANNELS} "
            f"channels at up to {MAX_RATE_HZ:g} Hz."
        )
    known = math.isfinite(lsb) and lsb > 0
    stream = StreamDescription(
        number,
        StreamKind(kind),
        channels,
        SampleFormat(form),
        rate_mhz / 1000,
        lsb if known else math.nan,
        offset if math.isfinite(offset) else 0.0,
        (low / 10, high / 10),
    )
    return stream, RingState(*ring), samples
