"""Payload of the MQTT leaf ``samples``: a self-describing, gap-free run of samples (docs/messages.md).

It is binary, because samples are most of the traffic: 2 bytes per sample instead of about 6 as JSON.
"""

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
"""What its field of 16 bits can hold."""
_MAX_RATE_HZ: Final = 1e6
"""Far above any EMG; it keeps a corrupt rate from making times that overflow."""
_HEADER: Final = struct.Struct("<BBBBBxH16sIQqdd")
_WIDTHS: Final = {2: "<i2", 4: "<i4"}


class BlockFlag(IntFlag):
    """What holds for all samples of a block."""

    CLIPPED = 1 << 0
    LEAD_OFF = 1 << 1
    SELF_TEST = 1 << 2
    STORED = 1 << 3
    """Fetched from the sensor's ring buffer after a gap; it may arrive after later samples."""
    SIMULATED = 1 << 4
    REPLAY = 1 << 5


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """A gap-free run of samples of one stream.

    ``(sensor, boot_id, stream, index)`` identifies a sample forever; the sensor is in the topic.

    Attributes:
        session: UUID of the recording.
        boot_id: Boot of the sensor that its index counts from.
        stream: Number of the stream, 1 to 15.
        flags: What holds for all its samples.
        first_index: Unwrapped index of the first sample since the boot.
        first_utc_ns: When the first sample was taken, according to the clock fit at the time of publication.
        rate_hz: Nominal rate of the stream.
        lsb: SI units of one count; NaN if unknown.
        counts: Samples, int32, shape (samples, channels).
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
        """Index after its last sample."""
        return self.first_index + len(self.counts)

    def encode(self) -> bytes:
        """Return the payload: int16 if every count fits, else int32.

        Raises:
            FrameError: No samples, or more than `MAX_BLOCK_SAMPLES`.
        """
        samples, channels = self.counts.shape
        if not 1 <= samples <= MAX_BLOCK_SAMPLES:
            raise FrameError(f"A block cannot have {samples} samples; it has 1 to {MAX_BLOCK_SAMPLES}.")
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
        """Decode a payload.

        Raises:
            FrameError: Too short, of another version, of another length than it states, or of an impossible rate.
        """
        if len(payload) < _HEADER.size:
            raise FrameError(f"A sample block has {len(payload)} bytes; its header alone has {_HEADER.size}.")
        version, flags, stream, channels, width, samples, session, *rest = _HEADER.unpack_from(payload)
        if version != VERSION or width not in _WIDTHS or channels == 0 or samples == 0:
            raise FrameError(
                f"A sample block of version {version} states {samples} samples of {channels} channels of {width} "
                f"bytes; expected version {VERSION} with 2 or 4 bytes per sample."
            )
        if len(payload) != _HEADER.size + samples * channels * width:
            raise FrameError(
                f"A sample block has {len(payload)} bytes; {samples} samples of {channels} channels of {width} bytes "
                f"need {_HEADER.size + samples * channels * width}."
            )
        boot_id, first_index, first_utc_ns, rate_hz, lsb = rest
        if not 0 < rate_hz <= _MAX_RATE_HZ:
            raise FrameError(f"A sample block states {rate_hz} samples a second; expected up to {_MAX_RATE_HZ:g}.")
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
