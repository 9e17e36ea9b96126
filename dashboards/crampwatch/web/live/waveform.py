"""From sample blocks to the extremes a screen can show: no spike is lost, however narrow."""

import math
from typing import Final

import numpy as np
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.web.live.ring import Floats, Ring
from numpy.typing import NDArray
from scipy.signal import lfilter

__all__ = ["COARSE_STEP_NS", "FINE_STEP_NS", "HighPass", "Waveform", "extremes"]

FINE_STEP_NS: Final = 20_000_000
"""For windows up to half a minute: two to three steps a pixel on a phone."""
COARSE_STEP_NS: Final = 100_000_000
"""For windows up to five minutes: the detector's feature step, so that both curves have one grid."""
_FINE_STEPS: Final = 30 * 50
_COARSE_STEPS: Final = 300 * 10
_SLOWEST_SHOWN_HZ: Final = 100.0
"""A slower stream's samples are held, so that each fine step has one."""
_CORNER_HZ: Final = 10.0
"""Drift of 0.4 to 1.8 mV within seconds would push a 50 uV contraction off the scale; a surface EMG
sensor's band begins at 10 or 20 Hz (SENIAM), so what is slower tells of skin and cable, not of muscle."""


class Waveform:
    """One EMG stream's last minutes as lowest and highest value a step, in microvolts where the scale is known.

    Args:
        channels: Channels of the stream.
    """

    def __init__(self, *, channels: int) -> None:
        self.fine = Ring(step_ns=FINE_STEP_NS, capacity=_FINE_STEPS, channels=channels, fields=2)
        self.coarse = Ring(step_ns=COARSE_STEP_NS, capacity=_COARSE_STEPS, channels=channels, fields=2)
        self.newest_ns: int | None = None
        """When the newest sample ended."""
        self._next: tuple[int, int] | None = None
        self._high_pass = HighPass()

    @property
    def channels(self) -> int:
        """Channels of the stream."""
        return self.fine.channels

    def add(self, block: SampleBlock) -> None:
        """Take a block of this many channels, live or backfilled, of any boot of the sensor."""
        step_ns = 1e9 / block.rate_hz
        first_ns = block.first_utc_ns
        values = _to_display_unit(block)
        if BlockFlag.STORED in block.flags:
            self._draw(HighPass()(values, block.rate_hz), first_ns, step_ns)
            return
        end_ns = first_ns + round(len(values) * step_ns)
        self._follow(block)
        shown = self._high_pass(values, block.rate_hz)
        if self._next == (block.boot_id, block.first_index) and self.newest_ns is not None:
            # No sample is missing, so a clock correction must not look like a gap.
            first_ns, step_ns = _joined(self.newest_ns, first_ns, step_ns, len(shown))
        self._draw(shown, first_ns, step_ns)
        self.newest_ns = end_ns
        self._next = (block.boot_id, block.next_index)

    def _follow(self, block: SampleBlock) -> None:
        """Begin anew after a gap, and forget the screen where live time went back further than it reaches."""
        if self._next != (block.boot_id, block.first_index):
            self._high_pass = HighPass()
        if self.coarse.has_dropped(block.first_utc_ns // COARSE_STEP_NS):
            self.fine.clear()
            self.coarse.clear()

    def _draw(self, values: Floats, first_ns: int, step_ns: float) -> None:
        hold = max(1, math.ceil(_SLOWEST_SHOWN_HZ * step_ns / 1e9))
        held = np.repeat(values, hold, axis=0) if hold > 1 else values
        times_ns = first_ns + (np.arange(len(held)) * (step_ns / hold)).astype(np.int64)
        for ring in (self.fine, self.coarse):
            ring.widen(*extremes(held, times_ns // ring.step_ns))


class HighPass:
    """First-order high-pass per channel that starts at rest, on whatever offset the first sample has."""

    def __init__(self) -> None:
        self._state: NDArray[np.float64] | None = None

    def __call__(self, values: NDArray[np.float64], rate_hz: float) -> Floats:
        """Filter samples of shape (samples, channels)."""
        pole = math.exp(-2 * math.pi * min(_CORNER_HZ, rate_hz / 10) / rate_hz)
        if self._state is None:
            self._state = -values[:1].copy()
        shown, self._state = lfilter([1.0, -1.0], [1.0, -pole], values, axis=0, zi=self._state)
        return np.asarray(shown, np.float32)


def extremes(values: Floats, steps: NDArray[np.int64]) -> tuple[int, Floats, Floats]:
    """Return the first step, and each step's lowest and highest value; NaN in steps without a sample.

    Args:
        values: Of shape (samples, channels).
        steps: The step of each sample, never descending.
    """
    begins = np.flatnonzero(np.diff(steps, prepend=steps[0] - 1))
    first = int(steps[0])
    shape = (int(steps[-1]) - first + 1, values.shape[1])
    lowest, highest = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    filled = steps[begins] - first
    lowest[filled] = np.minimum.reduceat(values, begins, axis=0)
    highest[filled] = np.maximum.reduceat(values, begins, axis=0)
    return first, lowest, highest


def _to_display_unit(block: SampleBlock) -> NDArray[np.float64]:
    scale = block.lsb * 1e6 if math.isfinite(block.lsb) else 1.0
    return np.asarray(block.counts * scale, np.float64)


def _joined(newest_ns: int, first_ns: int, step_ns: float, samples: int) -> tuple[int, float]:
    """Return begin and step of a run that follows the last without a gap, though the clock was set forward a little."""
    shift_ns = first_ns - newest_ns
    if not 0 < shift_ns <= 1_000_000_000:
        return first_ns, step_ns
    return newest_ns, step_ns + shift_ns / samples
