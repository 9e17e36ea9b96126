"""What an electrode picks up at rest: noise of electrode and amplifier, slow drift, mains hum and the heart."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.chance import Floats, Lattice

__all__ = ["Heart", "Mains", "NoiseFloor"]

# Steps of the lattices whose sum falls about as 1/f from 2 to 8 Hz: octaves of equal power. What is slower does not
# pass the front end's 10 Hz high-pass.
_DRIFT_STEP_S = (0.06, 0.12, 0.24)
_DRIFT_GRID_S = 0.004


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Noise of one electrode pair and its amplifier.

    Attributes:
        seed: Decides the noise.
        channel: Index of the pair.
        rms_uv: White noise in the pass band; 0.5 to 6 uV on real recordings, by muscle, gel and amplifier.
        drift_uv: RMS of the 1/f drift of the electrode voltage.
        dries: Factor of both at the end of every 8 h as the gel dries.
    """

    seed: int
    channel: int
    rms_uv: float
    drift_uv: float = 5.0
    dries: float = 1.0

    def evaluate(self, first_index: int, count: int, *, rate_hz: float, band_hz: tuple[float, float]) -> Floats:
        """Return microvolts before the front end's filter, shape (count,)."""
        t_s = (first_index + np.arange(count)) / rate_hz
        share = (min(band_hz[1], rate_hz / 2) - band_hz[0]) / (rate_hz / 2)
        white = Lattice(self.seed, 31, self.channel).values(first_index, count) * self.rms_uv / share**0.5
        return np.asarray((white + self._drift(t_s)) * np.exp(np.log(self.dries) / 28_800.0 * t_s))

    def _drift(self, t_s: Floats) -> Floats:
        grid_s = _DRIFT_GRID_S * np.arange(t_s[0] // _DRIFT_GRID_S, t_s[-1] // _DRIFT_GRID_S + 2)
        drift = np.zeros(grid_s.size)
        for octave, step_s in enumerate(_DRIFT_STEP_S):
            drift += Lattice(self.seed, 32, self.channel, octave).smooth(grid_s / step_s)
        scale_uv = self.drift_uv / len(_DRIFT_STEP_S) ** 0.5
        return np.asarray(np.interp(t_s, grid_s, drift * scale_uv))


@dataclass(frozen=True, slots=True)
class Mains:
    """Hum that reaches every pair by an amount of its own and breathes slowly.

    Attributes:
        seed: Decides how it breathes.
        frequency_hz: 50 or 60.
        amplitude_uv: At each pair.
        third: Amplitude of the third harmonic over the first; the fifth is half of it.
        highest_hz: End of the sensor's band: an anti-aliasing filter lets no harmonic above it through.
    """

    seed: int
    frequency_hz: float
    amplitude_uv: tuple[float, ...]
    third: float = 0.15
    highest_hz: float = np.inf

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        wander = Lattice(self.seed, 41).slow(t_s, 20.0)
        first = np.sin(2 * np.pi * self.frequency_hz * t_s + 0.6 * wander)
        square = first * first
        # sin 3x and sin 5x as polynomials of sin x: cheaper than three sines.
        third = self.third if 3 * self.frequency_hz <= self.highest_hz else 0.0
        fifth = 0.5 if 5 * self.frequency_hz <= self.highest_hz else 0.0
        wave = first * (1 + third * (3 - 4 * square + fifth * (5 - 20 * square + 16 * square * square)))
        breath = np.exp(0.25 * Lattice(self.seed, 42).slow(t_s, 45.0))
        return np.asarray((wave * breath)[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class Heart:
    """The heart as seen between two electrodes on a foot.

    Attributes:
        seed: Decides the irregularity.
        rate_hz: Mean beats a second.
        amplitude_uv: Of the R wave at each pair; either sign.
    """

    seed: int
    rate_hz: float
    amplitude_uv: tuple[float, ...]

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        # Beats fall where the phase passes a whole number, looked up on a grid that does not depend on the window.
        grid_s = 0.05 * np.arange(np.floor(t_s[0] / 0.05) - 30, np.ceil(t_s[-1] / 0.05) + 31)
        phase = self._phase(grid_s)
        beats = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, grid_s)
        nearest = beats[np.clip(np.searchsorted(beats, t_s - 0.35), 0, beats.size - 1)]
        since_s = t_s - nearest
        wave = np.interp(since_s, _BEAT_S, _BEAT)
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))

    def _phase(self, t_s: Floats) -> Floats:
        breathing = 0.03 * np.sin(2 * np.pi * 0.24 * t_s)
        slow = 2.0 * Lattice(self.seed, 51).slow(t_s, 60.0)
        jitter = 0.012 * Lattice(self.seed, 52).smooth(t_s)
        return np.asarray(self.rate_hz * t_s + breathing + slow + jitter)


def _bump(t_s: Floats, middle_s: float, width_s: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((t_s - middle_s) / width_s) ** 2))


# One beat on a fine grid: Q, R, S and T waves, R of height 1 at 0.
_BEAT_S = np.arange(-0.1, 0.36, 0.001)
_BEAT = (
    _bump(_BEAT_S, 0.0, 0.010)
    - 0.25 * _bump(_BEAT_S, -0.022, 0.008)
    - 0.35 * _bump(_BEAT_S, 0.024, 0.010)
    + 0.18 * _bump(_BEAT_S, 0.19, 0.045)
)
