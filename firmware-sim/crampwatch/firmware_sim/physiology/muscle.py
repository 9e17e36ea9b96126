"""A muscle: a pool of motor units, and the potential of each of them at each electrode pair.

The pool follows Fuglevand, Winter & Patla (1993): recruitment thresholds and potential sizes grow exponentially from
the first to the last unit. Each unit has a potential as a function of the distance its action potential has travelled
(`potential`); divided by its conduction velocity that becomes a function of time, longer in a cold or tired muscle.

To render an EMG, the potential of each discharge is added at its time. Time does not fall on samples, and sampling the
same potential at different phases gives different values, so each unit has a small bank of sampled potentials: one for
each of some phases between two samples. There is one bank per stretch level (steps of 5 %), computed when first needed.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil, log

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Discharges
from crampwatch.firmware_sim.physiology.potential import (
    STEP_MM,
    Electrodes,
    Fibres,
    distance_potentials,
)
from crampwatch.firmware_sim.physiology.randomness import Floats
from numpy.typing import NDArray

__all__ = ["LONGEST_POTENTIAL_S", "Muscle", "Sampling", "draw_muscle"]

LONGEST_POTENTIAL_S = 0.1
"""A potential is shorter than this, and begins and ends within this time of its discharge."""

# Fuglevand, Winter & Patla 1993, J Neurophysiol 70:2470. A foot muscle has in the order of 120 units. The ranges are
# ratios of the last unit to the first.
_UNITS = 120
_THRESHOLD_RANGE = 30.0
_SIZE_RANGE = 12.0
_STRETCH_STEP = 1.05
"""Ratio between neighbouring stretch levels."""
_DENSE_RATE_HZ = 8000.0
"""Potentials are placed in time to an eighth of a millisecond at least."""
_BATCH = 4096
"""Discharges added at once, which bounds memory."""
_LEVELS_KEPT = 8
"""Of a few megabytes each; an event needs those around the temperature of the skin and its own fatigue."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a muscle's potentials are sampled.

    Attributes:
        rate_hz: Samples per second.
        low_pass_hz: End of the pass band of the front end.
    """

    rate_hz: float
    low_pass_hz: float

    @property
    def phases(self) -> int:
        """Number of distinguished positions of a discharge between two samples."""
        return max(1, ceil(_DENSE_RATE_HZ / self.rate_hz))


class Muscle:
    """A pool of motor units, ordered by recruitment.

    Attributes:
        threshold: Excitation, 0 to 1, above which each unit discharges, shape (units,).
        min_rate_hz: Discharge rate at the threshold.
        max_rate_hz: Discharge rate at full excitation; units recruited later are slower ("onion skin").
        lateral_mm: Position of each unit across the fibres.
        energy_uv2s: Energy of one discharge at each channel, shape (units, channels), at stretch 1.
        peak_uv: Largest absolute value of one discharge at each channel, shape (units, channels).
        visible_s: When a potential first and last exceeds a tenth of its peak, relative to its discharge, (units, 2).
    """

    def __init__(
        self,
        *,
        rng: np.random.Generator,
        fibres: Fibres,
        electrodes: Electrodes,
        sampling: Sampling,
        own_channel: int | None,
        full_rms_uv: float,
    ) -> None:
        share = np.linspace(0.0, 1.0, fibres.depth_mm.size)
        self.threshold = np.exp(log(_THRESHOLD_RANGE) * (share - 1)) * 0.75
        self.min_rate_hz = rng.uniform(6.0, 8.5, share.size)
        self.max_rate_hz = 25.0 - 8.0 * share + rng.normal(0.0, 1.5, share.size)
        self.lateral_mm = fibres.lateral_mm
        self.sampling = sampling
        self._velocity_mm_s = rng.normal(4000.0, 300.0, share.size) + 600.0 * (share - 0.5)
        size = np.exp(log(_SIZE_RANGE) * share) * rng.lognormal(0.0, 0.25, share.size)
        self._shapes = distance_potentials(fibres, electrodes) * size[:, None, None]
        self._bank = lru_cache(maxsize=_LEVELS_KEPT)(self._sample_potentials)
        self._scale_to_full_effort(full_rms_uv, own_channel)

    @property
    def units(self) -> int:
        """Number of motor units."""
        return int(self.threshold.size)

    @property
    def channels(self) -> int:
        """Number of electrode pairs."""
        return int(self._shapes.shape[1])

    def rms_uv(self, units: NDArray[np.int64], rate_hz: Floats | float) -> Floats:
        """Return the RMS of each channel if units discharge independently at these rates (Campbell's theorem)."""
        rates = np.broadcast_to(rate_hz, units.shape)
        return np.asarray(np.sqrt((self.energy_uv2s[units] * rates[:, None]).sum(axis=0)))

    def render(self, discharges: Discharges, first_index: int, count: int) -> Floats:
        """Return the EMG of discharges in microvolts, shape (count, channels), from sample `first_index` on."""
        margin = ceil(LONGEST_POTENTIAL_S * self.sampling.rate_hz)
        start_s = (first_index - margin) / self.sampling.rate_hz
        stop_s = (first_index + count + margin) / self.sampling.rate_hz
        part = discharges.between(start_s, stop_s)
        if part.time_s.size == 0:
            return np.zeros((count, self.channels))
        buffer = np.zeros((count + 4 * margin, self.channels))
        levels = _stretch_level(part.stretch)
        for level in np.unique(levels):
            chosen = levels == level
            position = part.time_s[chosen] * self.sampling.rate_hz - (first_index - 2 * margin)
            self._add(buffer, int(level), position, part.unit[chosen], part.gain[chosen])
        return buffer[2 * margin : 2 * margin + count]

    def _add(self, buffer: Floats, level: int, position: Floats, unit: NDArray[np.int64], gain: Floats) -> None:
        bank = self._bank(level)
        phases, length, channels = bank.shape[1:]
        dense = np.floor(position * phases).astype(np.int64)
        start = dense // phases - self._lead
        reach = (np.arange(length)[:, None] * channels + np.arange(channels)).ravel()
        flat = buffer.reshape(-1)
        for batch in range(0, unit.size, _BATCH):
            rows = slice(batch, batch + _BATCH)
            values = bank[unit[rows], dense[rows] % phases].reshape(-1, length * channels)
            weights = values * gain[rows, None].astype(np.float32)
            index = start[rows, None] * channels + reach
            flat += np.bincount(index.ravel(), weights=weights.ravel(), minlength=flat.size)

    @cached_property
    def _lead(self) -> int:
        """Samples that an entry of the bank begins before its discharge: room for the rise of the low-pass filter."""
        return ceil(1.0 / self.sampling.low_pass_hz * self.sampling.rate_hz) + 1

    def _sample_potentials(self, level: int) -> NDArray[np.float32]:
        """Return the bank of a stretch level: sampled potentials, shape (units, phases, length, channels)."""
        stretch = _STRETCH_STEP**level
        phases, rate_hz = self.sampling.phases, self.sampling.rate_hz
        dense_hz = rate_hz * phases
        travel_s = self._shapes.shape[2] * STEP_MM / self._velocity_mm_s.min() * stretch
        length = min(ceil(travel_s * rate_hz) + 2 * self._lead, ceil(LONGEST_POTENTIAL_S * rate_hz))
        time_s = (np.arange(length * phases) - self._lead * phases) / dense_hz
        dense = _low_pass(self._potentials_over_time(time_s / stretch), dense_hz, self.sampling.low_pass_hz)
        # Entry [unit, phase, k] is the potential after k samples, of a discharge `phase` dense steps after a sample.
        delayed = np.stack([_delay(dense, phase) for phase in range(phases)], axis=1)
        return np.ascontiguousarray(delayed[:, :, ::phases].astype(np.float32))

    def _potentials_over_time(self, time_s: Floats) -> Floats:
        """Return potentials over time since the discharge, shape (units, times, channels)."""
        steps = np.arange(self._shapes.shape[2])
        out = np.empty((self.units, time_s.size, self.channels))
        for unit, velocity in enumerate(self._velocity_mm_s):
            place = time_s * velocity / STEP_MM
            for channel in range(self.channels):
                out[unit, :, channel] = np.interp(place, steps, self._shapes[unit, channel], left=0, right=0)
        return out

    def _scale_to_full_effort(self, full_rms_uv: float, own_channel: int | None) -> None:
        bank = self._bank(0)[:, 0].astype(np.float64)
        energy = (bank**2).sum(axis=1) / self.sampling.rate_hz
        total = np.sqrt((energy * self.max_rate_hz[:, None]).sum(axis=0))
        scale = full_rms_uv / float(total.max() if own_channel is None else total[own_channel])
        self._shapes *= scale
        self._bank.cache_clear()
        self.energy_uv2s = energy * scale**2
        self.peak_uv = np.abs(bank).max(axis=1) * scale
        height = np.abs(bank).max(axis=2)
        tall = height > 0.1 * height.max(axis=1, keepdims=True)
        first, last = tall.argmax(axis=1), tall.shape[1] - 1 - tall[:, ::-1].argmax(axis=1)
        self.visible_s = (np.stack([first, last], axis=1) - self._lead) / self.sampling.rate_hz


def draw_muscle(
    rng: np.random.Generator,
    *,
    electrodes: Electrodes,
    sampling: Sampling,
    lateral_mm: float,
    depth_mm: float,
    full_rms_uv: float,
    own_channel: int | None,
) -> Muscle:
    """Draw a muscle whose units are scattered over its cross-section.

    Args:
        rng: Source of everything random.
        electrodes: All pairs of the wearer: the one above it and those above its neighbours.
        sampling: Of all pairs.
        lateral_mm: Position of its middle across the fibres.
        depth_mm: Thickness of fat and skin above it.
        full_rms_uv: RMS at full excitation on its own pair, or on the strongest if it has none.
        own_channel: The pair above it; None for a neighbour without one.
    """
    fibres = Fibres(
        lateral_mm=lateral_mm + rng.uniform(-9.0, 9.0, _UNITS),
        depth_mm=depth_mm + rng.uniform(1.0, 12.0, _UNITS),
        endplate_mm=rng.normal(0.0, 3.0, _UNITS),
        proximal_mm=rng.uniform(22.0, 45.0) + rng.normal(0.0, 2.5, _UNITS),
        distal_mm=rng.uniform(22.0, 45.0) + rng.normal(0.0, 2.5, _UNITS),
    )
    return Muscle(
        rng=rng,
        fibres=fibres,
        electrodes=electrodes,
        sampling=sampling,
        own_channel=own_channel,
        full_rms_uv=full_rms_uv,
    )


def _stretch_level(stretch: Floats) -> NDArray[np.int64]:
    return np.rint(np.log(np.clip(stretch, 0.6, 2.6)) / log(_STRETCH_STEP)).astype(np.int64)


def _low_pass(signal: Floats, rate_hz: float, corner_hz: float) -> Floats:
    """Limit the bandwidth without shifting anything in time, so that sampling does not alias."""
    frequency_hz = np.fft.rfftfreq(2 * signal.shape[1], 1 / rate_hz)
    gain = 1 / (1 + (frequency_hz / corner_hz) ** 8)
    spectrum = np.fft.rfft(signal, n=2 * signal.shape[1], axis=1) * gain[None, :, None]
    return np.asarray(np.fft.irfft(spectrum, axis=1)[:, : signal.shape[1]])


def _delay(dense: Floats, steps: int) -> Floats:
    if steps == 0:
        return dense
    return np.concatenate([np.zeros_like(dense[:, :steps]), dense[:, :-steps]], axis=1)
