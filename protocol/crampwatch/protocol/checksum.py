"""CRC-16/IBM-3740 (CCITT polynomial 0x1021, initial value 0xFFFF): closes every frame and event."""

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
    """Return a packet without its checksum.

    Raises:
        FrameError: The packet is shorter than a checksum, or the checksum does not match.
    """
    if len(packet) < 2:
        raise FrameError(f"A packet of {len(packet)} octets is too short for its checksum of 2.")
    body, met = packet[:-2], int.from_bytes(packet[-2:], "little")
    expected = binascii.crc_hqx(body, 0xFFFF)
    if met != expected:
        raise FrameError(
            f"A packet of {len(packet)} octets carries checksum {met:04x}; its content has {expected:04x}."
        )
    return body
