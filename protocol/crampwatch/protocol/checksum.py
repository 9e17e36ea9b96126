"""CRC-16/IBM-3740 (CCITT polynomial 0x1021, initial value 0xFFFF), the last 2 bytes of every frame and event."""

import binascii

from crampwatch.protocol.errors import FrameError

__all__ = ["append_checksum", "strip_checksum"]


def append_checksum(body: bytes) -> bytes:
    """Append the checksum, little-endian.

    >>> sealed(b"123456789")[-2:].hex()
    'b129'
    """
    return body + binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "little")


def strip_checksum(packet: bytes) -> bytes:
    """Verify the checksum of a packet and return it without.

    Raises:
        FrameError: The packet is shorter than a checksum, or the checksum does not match.
    """
    if len(packet) < 2:
        raise FrameError(f"A packet of {len(packet)} bytes is too short for its checksum of 2.")
    body, found = packet[:-2], int.from_bytes(packet[-2:], "little")
    expected = binascii.crc_hqx(body, 0xFFFF)
    if found != expected:
        raise FrameError(f"A packet of {len(packet)} bytes has checksum {found:04x}; expected {expected:04x}.")
    return body
