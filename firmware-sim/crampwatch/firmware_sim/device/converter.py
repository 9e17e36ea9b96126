"""The analogue-to-digital converter: turns a signal into counts and marks."""

import math

import numpy as np
from crampwatch.firmware_sim.device.ring import Count, Mark
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.stream import SampleFormat
from numpy.typing import NDArray

__all__ = ["Converter"]


class Converter:
    """Digitises a signal source.

    The source is read a second at a time, since reading single samples would cost more than computing them.

    Args:
        source: If its scale is unknown, its values are counts.
    """

    def __init__(self, source: SignalSource) -> None:
        self.duration_samples = source.duration_samples
        self.dtype: type[Count] = np.int16 if source.stream.format is SampleFormat.INT16 else np.int32
        self._rail = (1 << 8 * source.stream.format.sample_bytes - 1) - 1
        self._source = source
        self._lsb_uv = source.stream.lsb_uv if source.stream.has_scale else 1.0
        self._block_samples = max(1, math.ceil(source.stream.rate_hz))
        self._block_first = -1
        self._counts: NDArray[Count] = np.zeros((0, source.stream.channels), self.dtype)
        self._marks = np.zeros(0, np.uint8)

    def contact(self, index: int) -> tuple[bool, ...]:
        """Return for each channel whether its electrodes touch the skin at a sample."""
        return self._source.contact(index / self._source.stream.rate_hz)

    def read(self, first_index: int, count: int) -> tuple[NDArray[Count], NDArray[np.uint8]]:
        """Return counts, shape (samples, channels), and marks; maybe fewer than `count`: up to the end of a block."""
        block_first = first_index // self._block_samples * self._block_samples
        if block_first != self._block_first:
            self._load(block_first)
        start = first_index - block_first
        return self._counts[start : start + count], self._marks[start : start + count]

    def _load(self, block_first: int) -> None:
        samples_uv = self._source.read(block_first, self._block_samples)
        present = ~np.isnan(samples_uv.sum(axis=1))
        counts = np.rint(np.where(present[:, None], samples_uv, 0.0) / self._lsb_uv)
        self._counts = np.clip(counts, -self._rail - 1, self._rail).astype(self.dtype)
        clipped = ((counts <= -self._rail - 1) | (counts >= self._rail)).any(axis=1)
        self._marks = (np.where(present, 0, Mark.MISSING) | np.where(clipped, Mark.CLIPPED, 0)).astype(np.uint8)
        self._block_first = block_first
