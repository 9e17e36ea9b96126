"""The payload of the MQTT leaf ``samples``: a self-describing run of samples (docs/messages.md)."""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final
from uuid import UUID

import numpy as np
from crampwatch.protocol.errors import FrameError
from numpy.typing import NDArray

__all__ = ["MAX_BLOCK_SAMPLES", "BlockFlag", "SampleBlock"]

VERSION: Final = 1
MAX_BLOCK_SAMPLES: Final = 65_535
_HEADER: Final = struct.Struct("<BBBBBxH16sIQqdd")
_WIDTHS: Final = {2: "<i2", 4: "<i4"}


class BlockFlag(IntFlag):
    """What is true of a whole block."""

    CLIPPED = 1 << 0
    LEAD_OFF = 1 << 1
    SELF_TEST = 1 << 2
    STORED = 1 << 3
    """Fetched from the sensor's ring buffer after a gap: it may arrive after later samples."""
    SIMULATED = 1 << 4
    REPLAY = 1 << 5


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """A gap-free run of samples of one stream.

    ``(sensor, boot_id, stream, index)`` identifies a sample for ever; the sensor is in the topic.

    Attributes:
        session: The recording it belongs to.
        boot_id: The sensor's boot its index counts from.
        stream: 1 to 15.
        flags: What is true of all its samples.
        first_index: Unwrapped index of the first sample since the boot.
        first_utc_ns: When the first sample was taken, after the clock model of that moment.
        rate_hz: The stream's nominal rate.
        lsb: SI units a count; NaN where unknown.
        counts: int32, shape (samples, channels).
    """

    session: UUID
    boot_id: int
    stream: int
    flags: BlockFlag
    first_index: int
    first_utc_ns: int
    rate_hz: float
    lsb: float
    counts: NDArray[np.int32]

    @property
    def next_index(self) -> int:
        """Index after the last sample."""
        return self.first_index + len(self.counts)

    def encode(self) -> bytes:
        """Return the payload: int16 where every count fits, else int32."""
        samples, channels = self.counts.shape
        if not 1 <= samples <= MAX_BLOCK_SAMPLES:
            raise FrameError(f"A block of {samples} samples was to be sent; one has 1 to {MAX_BLOCK_SAMPLES}.")
        width = 2 if np.abs(self.counts).max(initial=0) <= 0x7FFF else 4
        head = _HEADER.pack(
            VERSION,
            self.flags,
            self.stream,
            channels,
            width,
            samples,
            self.session.bytes,
            self.boot_id,
            self.first_index,
            self.first_utc_ns,
            self.rate_hz,
            self.lsb,
        )
        return head + self.counts.astype(_WIDTHS[width]).tobytes()

    @classmethod
    def decode(cls, payload: bytes) -> "SampleBlock":
        """Read a block.

        Raises:
            FrameError: Too short, of another version, or of another length than it claims.
        """
        if len(payload) < _HEADER.size:
            raise FrameError(f"A sample block has {len(payload)} octets; its header alone takes {_HEADER.size}.")
        version, flags, stream, channels, width, samples, session, *rest = _HEADER.unpack_from(payload)
        if version != VERSION or width not in _WIDTHS or channels == 0 or samples == 0:
            raise FrameError(
                f"A sample block of version {version} claims {samples} samples of {channels} channels of {width} "
                f"octets; version {VERSION} with 2 or 4 octets a sample is understood."
            )
        if len(payload) != _HEADER.size + samples * channels * width:
            raise FrameError(
                f"A sample block has {len(payload)} octets; {samples} samples of {channels} channels of {width} octets "
                f"take {_HEADER.size + samples * channels * width}."
            )
        boot_id, first_index, first_utc_ns, rate_hz, lsb = rest
        if not 0 < rate_hz <= 1e6:
            raise FrameError(f"A sample block claims {rate_hz} samples a second.")
        counts = np.frombuffer(payload, _WIDTHS[width], offset=_HEADER.size).reshape(samples, channels)
        return cls(
            UUID(bytes=session),
            boot_id,
            stream,
            BlockFlag(flags),
            first_index,
            first_utc_ns,
            rate_hz,
            lsb,
            counts.astype(np.int32),
        )
