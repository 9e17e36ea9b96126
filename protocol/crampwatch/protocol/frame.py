"""Data frames: notifications of the Data and Stored Data characteristics (docs/protocol.md section 5)."""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
from crampwatch.protocol.checksum import append_checksum, strip_checksum
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.stream import SampleFormat
from numpy.typing import NDArray

__all__ = ["MAX_FRAME_BYTES", "OVERHEAD_BYTES", "Frame", "FrameFlag", "decode_samples", "encode_samples"]

VERSION: Final = 1
_HEADER: Final = struct.Struct("<BBHII")
OVERHEAD_BYTES: Final = _HEADER.size + 2
"""Header and checksum."""
MAX_FRAME_BYTES: Final = 512
"""An attribute value is at most this long (Core, Vol 3, Part F, 3.2.9)."""


class FrameFlag(IntFlag):
    """What holds for all samples of a frame."""

    GAP_BEFORE = 1 << 0
    """The sensor itself lost samples between the previous frame of the stream and this one."""
    CLIPPED = 1 << 1
    """At least one sample is at a limit of the converter."""
    LEAD_OFF = 1 << 2
    """At least one electrode has no contact."""
    SELF_TEST = 1 << 3
    """The samples are the sensor's synthetic test signal."""
    STORED = 1 << 4
    """The frame answers a backfill request."""
    GAIN_CHANGED = 1 << 5
    """The first frame after a change of gain; a frame never mixes two gains."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One notification of samples.

    Attributes:
        stream: Number of the stream, 1 to 15.
        flags: What holds for all its samples.
        sequence: Counts the frames of a stream and characteristic, modulo 2**16.
        first_index: Index of the first sample, modulo 2**32.
        ticks: The sensor's clock when the first sample was taken, modulo 2**32.
        payload: Interleaved samples in the format of the stream; `decode_samples` decodes them.
    """

    stream: int
    flags: FrameFlag
    sequence: int
    first_index: int
    ticks: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes on the wire.

        Raises:
            FrameError: The payload is too long for an attribute value, or the stream number is invalid.
        """
        if not 1 <= self.stream <= 15:
            raise FrameError(f"A frame has stream number {self.stream}; streams are numbered 1 to 15.")
        if len(self.payload) + OVERHEAD_BYTES > MAX_FRAME_BYTES:
            raise FrameError(f"{len(self.payload)} bytes of samples do not fit into a frame of {MAX_FRAME_BYTES}.")
        head = _HEADER.pack(VERSION << 4 | self.stream, self.flags, self.sequence, self.first_index, self.ticks)
        return append_checksum(head + self.payload)

    @classmethod
    def decode(cls, packet: bytes) -> "Frame":
        """Decode a frame.

        Raises:
            FrameError: Wrong length, checksum or version.
        """
        if not OVERHEAD_BYTES <= len(packet) <= MAX_FRAME_BYTES:
            raise FrameError(
                f"A frame of {len(packet)} bytes was received; one has {OVERHEAD_BYTES} to {MAX_FRAME_BYTES}."
            )
        body = strip_checksum(packet)
        version_stream, flags, sequence, first_index, ticks = _HEADER.unpack_from(body)
        version, stream = version_stream >> 4, version_stream & 0x0F
        if version != VERSION or stream == 0:
            raise FrameError(
                f"A frame of version {version}, stream {stream} was received; "
                f"expected version {VERSION} and stream 1 to 15."
            )
        return cls(stream, FrameFlag(flags), sequence, first_index, ticks, body[_HEADER.size :])


def encode_samples(counts: NDArray[np.int32], form: SampleFormat) -> bytes:
    """Encode counts of shape (samples, channels), interleaved; values beyond the range of the format saturate."""
    bits = 8 * form.sample_bytes - 1
    bounded = np.clip(counts, -(1 << bits), (1 << bits) - 1)
    if form is SampleFormat.INT16:
        return bounded.astype("<i2").tobytes()
    quads = bounded.astype("<i4").reshape(-1, 1).view(np.uint8)
    return quads[:, :3].tobytes()


def decode_samples(payload: bytes, *, channels: int, form: SampleFormat) -> NDArray[np.int32]:
    """Decode interleaved samples to counts, int32, of shape (samples, channels).

    Raises:
        FrameError: The payload does not contain the same number of samples of each channel.
    """
    stride = channels * form.sample_bytes
    if stride == 0 or len(payload) % stride:
        raise FrameError(
            f"{len(payload)} bytes of samples do not divide into {channels} channels of {form.sample_bytes} bytes."
        )
    if form is SampleFormat.INT16:
        return np.frombuffer(payload, "<i2").reshape(-1, channels).astype(np.int32)
    triples = np.frombuffer(payload, np.uint8).reshape(-1, 3)
    quads = np.zeros((len(triples), 4), np.uint8)
    quads[:, 1:] = triples
    return (quads.view("<i4")[:, 0] >> 8).reshape(-1, channels)
