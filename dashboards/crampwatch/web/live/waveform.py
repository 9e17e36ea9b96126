"""From sample blocks to the lowest and highest value of each step of time, as the live view draws them.

A screen has far fewer columns than a window has samples (30 s at 1 kHz on 400 columns: 75 samples a column). Drawing
every 75th sample would lose a spike of one sample; drawing the lowest and highest value of each step never does. Two
rings hold the extremes, one with fine steps for windows up to half a minute and one with coarse steps for windows up
to five minutes, so that zooming on the page needs no request.

Before that, a first-order high-pass removes drift, so that a contraction of 50 uV fits on a scale next to an electrode
offset of millivolts. It only shapes what is drawn: the detector has its own filters, the recording has none.

Time: a block says when its first sample was taken. Consecutive blocks (same boot, next index) are drawn without a gap
even if the sensor's clock was corrected in between; any other block starts a new run with a filter at rest. Backfilled
blocks (flag STORED) fill their place in the past, filtered on their own, and do not move `Waveform.newest_ns`.
"""

import math
from typing import Final

import numpy as np
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.web.live.ring import Floats, Ring
from numpy.typing import NDArray
from scipy.signal import lfilter

__all__ = ["COARSE_STEP_NS", "FINE_STEP_NS", "HighPass", "Waveform", "extremes"]

FINE_STEP_NS: Final = 20_000_000
"""For windows up to half a minute: two to three steps per pixel on a phone."""
COARSE_STEP_NS: Final = 100_000_000
"""For windows up to five minutes: the detector's feature step, so that both curves share a grid."""
_FINE_STEPS: Final = 30 * 50
_COARSE_STEPS: Final = 300 * 10
_SLOWEST_SHOWN_HZ: Final = 100.0
"""A slower stream's samples are repeated up to this rate, so that each fine step has one."""
_CORNER_HZ: Final = 10.0
"""Drift of 0.4 to 1.8 mV within seconds would push a 50 uV contraction off the scale; a surface EMG
sensor's band starts at 10 or 20 Hz (SENIAM), so anything slower comes from skin and cable, not from muscle."""
_MAX_CLOCK_CORRECTION_NS: Final = 1_000_000_000
"""A forward jump of the clock up to this is stretched over the next run instead of drawn as a gap."""


class Waveform:
    """The last minutes of one EMG stream: lowest and highest value per step, in microvolts, or counts if unscaled.

    Args:
        channels: Number of channels of the stream.
    """

    def __init__(self, *, channels: int) -> None:
        self.fine = Ring(step_ns=FINE_STEP_NS, capacity=_FINE_STEPS, channels=channels, fields=2)
        self.coarse = Ring(step_ns=COARSE_STEP_NS, capacity=_COARSE_STEPS, channels=channels, fields=2)
        self.newest_ns: int | None = None
        """End of the newest live sample, UTC."""
        self._next: tuple[int, int] | None = None
        self._high_pass = HighPass()

    @property
    def channels(self) -> int:
        """Number of channels of the stream."""
        return self.fine.channels

    def add_block(self, block: SampleBlock) -> None:
        """Add a block with this number of channels: live or backfilled, from any boot of the sensor."""
        step_ns = 1e9 / block.rate_hz
        first_ns = block.first_utc_ns
        values = _to_display_unit(block)
        if BlockFlag.STORED in block.flags:
            self._add_to_rings(HighPass()(values, block.rate_hz), first_ns, step_ns)
            return
        end_ns = first_ns + round(len(values) * step_ns)
        self._start_over_after_gap(block)
        shown = self._high_pass(values, block.rate_hz)
        if self._next == (block.boot_id, block.first_index) and self.newest_ns is not None:
            # No sample is missing, so a clock correction must not look like a gap.
            first_ns, step_ns = _close_clock_gap(self.newest_ns, first_ns, step_ns, len(shown))
        self._add_to_rings(shown, first_ns, step_ns)
        self.newest_ns = end_ns
        self._next = (block.boot_id, block.next_index)

    def _start_over_after_gap(self, block: SampleBlock) -> None:
        """Reset the filter after a gap; clear both rings if live time went back further than they reach."""
        if self._next != (block.boot_id, block.first_index):
            self._high_pass = HighPass()
        if self.coarse.has_dropped(block.first_utc_ns // COARSE_STEP_NS):
            self.fine.clear()
            self.coarse.clear()

    def _add_to_rings(self, values: Floats, first_ns: int, step_ns: float) -> None:
        hold = max(1, math.ceil(_SLOWEST_SHOWN_HZ * step_ns / 1e9))
        held = np.repeat(values, hold, axis=0) if hold > 1 else values
        times_ns = first_ns + (np.arange(len(held)) * (step_ns / hold)).astype(np.int64)
        for ring in (self.fine, self.coarse):
            ring.widen(*extremes(held, times_ns // ring.step_ns))


class HighPass:
    """First-order high-pass per channel. It starts at rest at the first sample's value, so an offset causes no step."""

    def __init__(self) -> None:
        self._state: NDArray[np.float64] | None = None

    def __call__(self, values: NDArray[np.float64], rate_hz: float) -> Floats:
        """Filter the next samples, shape (samples, channels); state carries over from call to call."""
        pole = math.exp(-2 * math.pi * min(_CORNER_HZ, rate_hz / 10) / rate_hz)
        if self._state is None:
            self._state = -values[:1].copy()
        shown, self._state = lfilter([1.0, -1.0], [1.0, -pole], values, axis=0, zi=self._state)
        return np.asarray(shown, np.float32)


def extremes(values: Floats, steps: NDArray[np.int64]) -> tuple[int, Floats, Floats]:
    """Return the number of the first step, and the extremes of each step; NaN in steps without a sample.

    Args:
        values: Samples of shape (samples, channels).
        steps: Number of the step each sample falls into, ascending.
    """
    starts = np.flatnonzero(np.diff(steps, prepend=steps[0] - 1))
    first = int(steps[0])
    shape = (int(steps[-1]) - first + 1, values.shape[1])
    lowest, highest = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    filled = steps[starts] - first
    lowest[filled] = np.minimum.reduceat(values, starts, axis=0)
    highest[filled] = np.maximum.reduceat(values, starts, axis=0)
    return first, lowest, highest


def _to_display_unit(block: SampleBlock) -> NDArray[np.float64]:
    scale = block.lsb * 1e6 if math.isfinite(block.lsb) else 1.0
    return np.asarray(block.counts * scale, np.float64)


def _close_clock_gap(newest_ns: int, first_ns: int, step_ns: float, samples: int) -> tuple[int, float]:
    """Return start and step of a run that follows the last one directly, although the clock was set forward."""
    shift_ns = first_ns - newest_ns
    if not 0 < shift_ns <= _MAX_CLOCK_CORRECTION_NS:
        return first_ns, step_ns
    return newest_ns, step_ns + shift_ns / samples
