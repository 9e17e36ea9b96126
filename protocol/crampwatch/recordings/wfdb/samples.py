"""Decoding the samples of WFDB signal files: the fixed-width formats of PhysioNet's signal(5).

https://physionet.org/physiotools/wag/signal-5.htm
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "MISSING", "bytes_of", "decode_samples"]

BITS = {16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12}
"""Bits per sample, by format number."""
MISSING = {16: -32_768, 24: -8_388_608, 32: -2_147_483_648, 61: -32_768, 80: -128, 160: -32_768, 212: -2_048}
"""The lowest value of each format stands for a missing sample."""
_TWELVE_BITS = 0x0FFF
_SIGN_OF_TWELVE = 0x0800


def bytes_of(samples: int, number: int) -> int:
    """Return how many bytes hold this many samples, counted from the start of a file."""
    return -(-samples * BITS[number] // 8)


def decode_samples(raw: bytes, number: int, samples: int) -> NDArray[np.int32]:
    """Decode the first `samples` of a piece that begins at a whole byte.

    Args:
        raw: At least `bytes_of(samples, number)` bytes.
        number: Format, a key of `BITS`.
        samples: How many to decode.
    """
    packed = np.frombuffer(raw, np.uint8, bytes_of(samples, number))
    if number == 212:
        return _unpack_pairs(packed)[:samples]
    if number == 24:
        wide = np.zeros((samples, 4), np.uint8)
        wide[:, 1:] = packed.reshape(-1, 3)
        return np.asarray(wide.reshape(-1).view("<i4") >> 8, np.int32)
    if number == 80:
        return packed.astype(np.int32) - 128
    if number == 160:
        return packed.view("<u2").astype(np.int32) - 32_768
    return packed.view({16: "<i2", 61: ">i2", 32: "<i4"}[number]).astype(np.int32)


def _unpack_pairs(raw: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Unpack pairs of 12 bits: low byte of the first, high nibbles of second and first, low byte of the second."""
    triples = np.zeros((-(-len(raw) // 3), 3), np.int32)
    triples.reshape(-1)[: len(raw)] = raw
    first = triples[:, 0] | (triples[:, 1] & 0x0F) << 8
    second = triples[:, 2] | (triples[:, 1] & 0xF0) << 4
    pairs = np.column_stack([first, second]).reshape(-1) & _TWELVE_BITS
    return np.asarray((pairs ^ _SIGN_OF_TWELVE) - _SIGN_OF_TWELVE, np.int32)
