"""What electrodes pick up at rest: noise of electrode and amplifier, slow drift, mains hum and the heart."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise

__all__ = ["Heart", "Mains", "NoiseFloor"]

# Time steps of the noise sequences whose sum falls roughly as 1/f from 2 to 8 Hz: octaves of equal power. Anything
# slower does not pass the 10 Hz high-pass filter of the front end.
_DRIFT_STEP_S = (0.06, 0.12, 0.24)
_DRIFT_GRID_S = 0.004


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Noise of one electrode pair and its amplifier.

    Attributes:
        seed: Selects the noise sequence.
        channel: Index of the electrode pair.
        rms_uv: White noise in the pass band; 0.5 to 6 uV in real recordings, depending on muscle, gel and amplifier.
        drift_uv: RMS of the 1/f drift of the electrode voltage.
        drying: Factor by which both grow in 8 h as the gel dries.
    """

    seed: int
    channel: int
    rms_uv: float
    drift_uv: float = 5.0
    drying: float = 1.0

    def evaluate(self, first_index: int, count: int, *, rate_hz: float, band_hz: tuple[float, float]) -> Floats:
        """Return microvolts before the filters of the front end, shape (count,)."""
        t_s = (first_index + np.arange(count)) / rate_hz
        # White noise up to half the rate has more power than the pass band lets through: scale it up accordingly.
        share = (min(band_hz[1], rate_hz / 2) - band_hz[0]) / (rate_hz / 2)
        white = Noise(self.seed, 31, self.channel).values(first_index, count) * self.rms_uv / share**0.5
        return np.asarray((white + self._drift(t_s)) * np.exp(np.log(self.drying) / 28_800.0 * t_s))

    def _drift(self, t_s: Floats) -> Floats:
        grid_s = _DRIFT_GRID_S * np.arange(t_s[0] // _DRIFT_GRID_S, t_s[-1] // _DRIFT_GRID_S + 2)
        drift = np.zeros(grid_s.size)
        for octave, step_s in enumerate(_DRIFT_STEP_S):
            drift += Noise(self.seed, 32, self.channel, octave).smooth(grid_s / step_s)
        scale_uv = self.drift_uv / len(_DRIFT_STEP_S) ** 0.5
        return np.asarray(np.interp(t_s, grid_s, drift * scale_uv))


@dataclass(frozen=True, slots=True)
class Mains:
    """Mains hum: at each electrode pair with an amplitude of its own, slowly waxing and waning.

    Attributes:
        seed: Selects how it waxes and wanes.
        frequency_hz: 50 or 60.
        amplitude_uv: At each pair.
        third: Amplitude of the third harmonic relative to the first; the fifth is half of it.
        highest_hz: End of the pass band of the sensor: an anti-aliasing filter removes harmonics above it.
    """

    seed: int
    frequency_hz: float
    amplitude_uv: tuple[float, ...]
    third: float = 0.15
    highest_hz: float = np.inf

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        wander = Noise(self.seed, 41).slow(t_s, 20.0)
        first = np.sin(2 * np.pi * self.frequency_hz * t_s + 0.6 * wander)
        square = first * first
        # sin 3x and sin 5x as polynomials of sin x, which is cheaper than computing three sines.
        third = self.third if 3 * self.frequency_hz <= self.highest_hz else 0.0
        fifth = 0.5 if 5 * self.frequency_hz <= self.highest_hz else 0.0
        wave = first * (1 + third * (3 - 4 * square + fifth * (5 - 20 * square + 16 * square * square)))
        breath = np.exp(0.25 * Noise(self.seed, 42).slow(t_s, 45.0))
        return np.asarray((wave * breath)[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class Heart:
    """The ECG as it appears between two electrodes on a foot.

    Attributes:
        seed: Selects the irregularity of the rhythm.
        rate_hz: Mean beats per second.
        amplitude_uv: Height of the R wave at each pair; either sign.
    """

    seed: int
    rate_hz: float
    amplitude_uv: tuple[float, ...]

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        # A beat falls where the phase passes a whole number. The grid is independent of the window: so are the beats.
        grid_s = 0.05 * np.arange(np.floor(t_s[0] / 0.05) - 30, np.ceil(t_s[-1] / 0.05) + 31)
        phase = self._phase(grid_s)
        beats = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, grid_s)
        nearest = beats[np.clip(np.searchsorted(beats, t_s - 0.35), 0, beats.size - 1)]
        since_s = t_s - nearest
        wave = np.interp(since_s, _BEAT_S, _BEAT)
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))

    def _phase(self, t_s: Floats) -> Floats:
        # Respiratory sinus arrhythmia, a slow trend, and beat-to-beat variation.
        breathing = 0.03 * np.sin(2 * np.pi * 0.24 * t_s)
        slow = 2.0 * Noise(self.seed, 51).slow(t_s, 60.0)
        jitter = 0.012 * Noise(self.seed, 52).smooth(t_s)
        return np.asarray(self.rate_hz * t_s + breathing + slow + jitter)


def _gaussian(t_s: Floats, middle_s: float, width_s: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((t_s - middle_s) / width_s) ** 2))


# One beat on a fine grid: Q, R, S and T waves, R of height 1 at 0.
_BEAT_S = np.arange(-0.1, 0.36, 0.001)
_BEAT = (
    _gaussian(_BEAT_S, 0.0, 0.010)
    - 0.25 * _gaussian(_BEAT_S, -0.022, 0.008)
    - 0.35 * _gaussian(_BEAT_S, 0.024, 0.010)
    + 0.18 * _gaussian(_BEAT_S, 0.19, 0.045)
)
