"""The fixed time grid on the sample index, and the framing of any stream of blocks onto it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS_PER_HOP", "Frame", "Framer", "Grid"]

BINS_PER_HOP = 5
_BIN_S = 0.02
_LIMIT = 1e9  # uV; beyond this a number is nonsense, and its fourth power must stay finite


@dataclass(frozen=True, slots=True)
class Grid:
    """Bins of about 20 ms (two motor unit potentials long), hops of five bins; both whole samples.

    Attributes:
        rate_hz: Samples a second.
        bin_samples: Samples in a bin.
    """

    rate_hz: float
    bin_samples: int

    @classmethod
    def at_rate(cls, rate_hz: float) -> "Grid":
        """Return the grid of a stream; a bin has at least one sample."""
        return cls(rate_hz, max(1, round(rate_hz * _BIN_S)))

    @property
    def hop_samples(self) -> int:
        """Samples in a hop, the step of all decisions."""
        return self.bin_samples * BINS_PER_HOP

    @property
    def bin_s(self) -> float:
        """Length of a bin in seconds."""
        return self.bin_samples / self.rate_hz

    @property
    def hop_s(self) -> float:
        """Length of a hop in seconds."""
        return self.hop_samples / self.rate_hz


@dataclass(frozen=True, slots=True)
class Frame:
    """Whole hops, ready for filtering.

    Attributes:
        first_hop: Number of the first hop since sample index 0.
        samples: Gaps held and bridged, so that a filter sees no step; (channels, hops, hop_samples).
        valid: False where a sample was missing; None where all are there; same shape.
        lowest: Least raw value of a hop; infinite where all are missing; (channels, hops).
        highest: Largest raw value of a hop; (channels, hops).
    """

    first_hop: int
    samples: NDArray[np.float64]
    valid: NDArray[np.bool_] | None
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


@dataclass(slots=True)
class Framer:
    """Cuts blocks that may start anywhere into whole hops, and fills what is missing.

    A missing sample repeats the one before it; when the signal comes back its level is shifted to join on. The EMG band
    holds no constant, so this loses nothing, and a filter carried across the gap does not ring.

    Attributes:
        grid: Where hops begin.
        channels: Samples taken at one instant.
        pending: Samples of the unfinished hop; (k, channels).
        next_index: Sample index expected next; None before the first block.
        held: Last value of each channel; NaN before its first sample.
        shift: What is added to a channel so that it joins on.
        in_gap: Whether the last sample of a channel was missing.
    """

    grid: Grid
    channels: int
    pending: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    next_index: int | None = None
    held: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    shift: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    in_gap: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        if not self.held.size:
            self.pending = np.empty((0, self.channels))
            self.held = np.full(self.channels, np.nan)
            self.shift = np.zeros(self.channels)
            self.in_gap = np.ones(self.channels, bool)

    def push(self, first_index: int, emg: NDArray[np.float64]) -> Frame | None:
        """Take a block that starts at or after `next_index`; return the hops it completes."""
        if self.next_index is None:
            missing = first_index % self.grid.hop_samples
            self.next_index = first_index - missing
        else:
            missing = first_index - self.next_index
        parts = [self.pending, np.full((missing, self.channels), np.nan), emg]
        joined = np.concatenate([part for part in parts if len(part)] or [self.pending])
        first_hop = (self.next_index - len(self.pending)) // self.grid.hop_samples
        hops = len(joined) // self.grid.hop_samples
        whole = hops * self.grid.hop_samples
        self.pending = joined[whole:].copy()
        self.next_index += missing + len(emg)
        return self._frame(first_hop, joined[:whole], hops) if hops else None

    def flush(self) -> Frame | None:
        """Complete the unfinished hop with missing samples."""
        if self.next_index is None or not len(self.pending):
            return None
        rest = self.grid.hop_samples - len(self.pending)
        return self.push(self.next_index + rest, np.empty((0, self.channels)))

    def jump(self, index: int) -> None:
        """Go to the hop that holds `index`, with nothing pending; what lies between is a gap nobody looks at."""
        self.next_index = index - index % self.grid.hop_samples
        self.pending = np.empty((0, self.channels))

    def _frame(self, first_hop: int, block: NDArray[np.float64], hops: int) -> Frame:
        samples = np.ascontiguousarray(block.T, dtype=np.float64)
        shape = (self.channels, hops, self.grid.hop_samples)
        valid = np.isfinite(samples)
        np.clip(samples, -_LIMIT, _LIMIT, out=samples)
        if valid.all() and not self.in_gap.any():
            lowest, highest = samples.reshape(shape).min(axis=2), samples.reshape(shape).max(axis=2)
            self.held = samples[:, -1].copy()
            samples += self.shift[:, None]
            return Frame(first_hop, samples.reshape(shape), None, lowest, highest)
        lowest = np.where(valid, samples, np.inf).reshape(shape).min(axis=2)
        highest = np.where(valid, samples, -np.inf).reshape(shape).max(axis=2)
        for channel in range(self.channels):
            samples[channel] = self._join(channel, samples[channel], valid[channel])
        return Frame(first_hop, samples.reshape(shape), valid.reshape(shape), lowest, highest)

    def _join(self, channel: int, row: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
        if np.isnan(self.held[channel]) and valid.any():
            self.held[channel] = row[valid.argmax()]
            self.shift[channel] = -self.held[channel]
        held = 0.0 if np.isnan(self.held[channel]) else self.held[channel]
        latest = np.maximum.accumulate(np.where(valid, np.arange(len(row)), -1))
        walked = np.where(latest >= 0, row[latest], held)
        before = np.concatenate([[held], walked[:-1]])
        resumes = valid & np.concatenate([[self.in_gap[channel]], ~valid[:-1]])
        shifts = self.shift[channel] - np.cumsum(np.where(resumes, walked - before, 0.0))
        self.shift[channel] = shifts[-1]
        self.in_gap[channel] = not valid[-1]
        if latest[-1] >= 0:
            self.held[channel] = walked[-1]
        joined: NDArray[np.float64] = walked + shifts
        return joined
