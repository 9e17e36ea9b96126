"""The fixed time grid on the sample index, and the framing of any stream of blocks onto it.

All decisions are made on hops of about 0.1 s, all onsets are placed on bins of about 20 ms, and both start at multiples
of their length since sample index 0. So a decision never depends on where a block began: whatever arrives is first cut
into whole hops here, and the rest of a block waits for the next one.

Missing samples (NaN) are filled so that the filters neither stop nor ring: see `Framer`. Which ones they were is passed
on, and nothing is concluded from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS_PER_HOP", "Frame", "Framer", "Grid"]

_Kind = TypeVar("_Kind", bound=np.generic)

BINS_PER_HOP = 5
_BIN_S = 0.02  # two motor unit potentials long: shorter bins would see one twice, longer ones blur onsets
_LIMIT = 1e9  # uV; beyond this a number is nonsense, and its fourth power must stay finite


@dataclass(frozen=True)
class Grid:
    """Bins of about 20 ms and hops of five bins, at a sampling rate; both are a whole number of samples."""

    rate_hz: float
    bin_samples: int

    @classmethod
    def at_rate(cls, rate_hz: float) -> "Grid":
        """Return the grid of a stream; a bin has at least one sample."""
        return cls(rate_hz, max(1, round(rate_hz * _BIN_S)))

    @cached_property
    def hop_samples(self) -> int:
        """Samples in a hop, the step of all decisions."""
        return self.bin_samples * BINS_PER_HOP

    @cached_property
    def bin_s(self) -> float:
        """Length of a bin in seconds."""
        return self.bin_samples / self.rate_hz

    @cached_property
    def hop_s(self) -> float:
        """Length of a hop in seconds."""
        return self.hop_samples / self.rate_hz


@dataclass(frozen=True, slots=True)
class Frame:
    """Whole hops, ready for filtering.

    The first axis is the place within a hop: whatever is summed or compared over a hop is then done for all hops and
    channels side by side, which the processor does several times faster than hop by hop.

    Attributes:
        first_hop: Number of the first hop, counted from sample index 0.
        samples: With gaps bridged, so that a filter sees no step; (hop_samples, hops, channels).
        valid: False where a sample was missing, same shape; None where none was.
        lowest: Least raw value of a hop; infinite where all are missing; (hops, channels).
        highest: Largest raw value of a hop; minus infinite where all are missing; (hops, channels).
    """

    first_hop: int
    samples: NDArray[np.float64]
    valid: NDArray[np.bool_] | None
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


@dataclass(slots=True)
class Framer:
    """Cuts blocks that may start anywhere into whole hops, and fills what is missing.

    A missing sample repeats the one before it; when the signal comes back, a constant is added to it so that it goes on
    at the level where it broke off. The EMG band holds no constant, so this loses nothing, and a filter that runs
    across the gap does not ring.

    Attributes:
        pending: Samples of the unfinished hop; (k, channels).
        next_index: Sample index expected next; None before the first block.
        held: Last value of each channel; NaN before its first sample.
        shift: Constant that is added to each channel.
        in_gap: Whether the last sample of each channel was missing.
    """

    grid: Grid
    channels: int
    pending: NDArray[np.float64] = field(init=False)
    next_index: int | None = None
    held: NDArray[np.float64] = field(init=False)
    shift: NDArray[np.float64] = field(init=False)
    in_gap: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.pending = np.empty((0, self.channels))
        self.held = np.full(self.channels, np.nan)
        self.shift = np.zeros(self.channels)
        self.in_gap = np.ones(self.channels, bool)

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process."""
        return {
            "pending": self.pending,
            "held": self.held,
            "shift": self.shift,
            "in_gap": self.in_gap,
            "next_index": self.next_index,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.pending, self.held, self.shift = state["pending"], state["held"], state["shift"]
        self.in_gap, self.next_index = state["in_gap"], state["next_index"]

    def push(self, first_index: int, emg: NDArray[np.float64]) -> Frame | None:
        """Add a block that starts at or after `next_index`; return the hops it completes, None without any."""
        if self.next_index is None:
            missing = first_index % self.grid.hop_samples
            self.next_index = first_index - missing
        else:
            missing = first_index - self.next_index
        parts = [part for part in (self.pending, np.full((missing, self.channels), np.nan), emg) if len(part)]
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts or [self.pending])
        first_hop = (self.next_index - len(self.pending)) // self.grid.hop_samples
        hops = len(joined) // self.grid.hop_samples
        whole = hops * self.grid.hop_samples
        self.pending = joined[whole:].copy()
        self.next_index += missing + len(emg)
        return self._build_frame(first_hop, joined[:whole], hops) if hops else None

    def flush(self) -> Frame | None:
        """Return the unfinished hop, completed by missing samples; None without one."""
        if self.next_index is None or not len(self.pending):
            return None
        rest = self.grid.hop_samples - len(self.pending)
        return self.push(self.next_index + rest, np.empty((0, self.channels)))

    def jump(self, index: int) -> None:
        """Continue at the hop that contains `index`, with nothing pending; the hops between are never returned."""
        self.next_index = index - index % self.grid.hop_samples
        self.pending = np.empty((0, self.channels))

    def _build_frame(self, first_hop: int, block: NDArray[np.float64], hops: int) -> Frame:
        samples = self._by_place(block, hops)
        lowest, highest = samples.min(axis=0), samples.max(axis=0)
        # NaN and infinity fail the comparison too, which saves a pass over all samples.
        if lowest.min() >= -_LIMIT and highest.max() <= _LIMIT and not self.in_gap.any():
            self.held = samples[-1, -1].copy()
            rows = samples.reshape(len(samples), -1)  # long ones: adding two numbers at a time is slow
            rows += np.broadcast_to(self.shift, lowest.shape).reshape(-1)
            return Frame(first_hop, samples, None, lowest, highest)
        valid = np.isfinite(block)
        raw = np.clip(block, -_LIMIT, _LIMIT)
        joined = np.stack([self._bridge_gaps(c, raw[:, c], valid[:, c]) for c in range(self.channels)], axis=1)
        return Frame(
            first_hop,
            self._by_place(joined, hops),
            self._by_place(valid, hops),
            self._by_place(np.where(valid, raw, np.inf), hops).min(axis=0),
            self._by_place(np.where(valid, raw, -np.inf), hops).max(axis=0),
        )

    def _by_place(self, block: NDArray[_Kind], hops: int) -> NDArray[_Kind]:
        """Return a copy of whole hops, (n, channels), with the place within a hop as the first axis."""
        by_place = np.empty((self.grid.hop_samples, hops, self.channels), block.dtype)
        for channel in range(self.channels):  # twice as quick as all channels of an instant at a time
            by_place[:, :, channel] = block[:, channel].reshape(hops, -1).T
        return by_place

    def _bridge_gaps(self, channel: int, row: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the samples of a channel with its gaps bridged, and carry its level over to the next call."""
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
