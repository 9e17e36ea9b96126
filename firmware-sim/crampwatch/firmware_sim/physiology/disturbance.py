"""Disturbances of the electrode voltage: motion, friction, cable tugs, mains hum, contact noise, the heart."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.background import Heart
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise

__all__ = [
    "ContactNoise",
    "ElectrodePop",
    "Friction",
    "HeartInterference",
    "HeelStrikes",
    "MainsHum",
    "Motion",
    "smooth_gate",
]


@dataclass(frozen=True, slots=True)
class Motion:
    """Motion artefact: stretched skin and shifted electrodes give noise below some 20 Hz, up to millivolts.

    Attributes:
        seed: Selects the waveform.
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
        amplitude_uv: RMS at each pair when it is strongest.
        step_s: Nearly all power is below 0.6 / `step_s` Hz.
        irregularity: How much its strength varies, 0 to about 1.5.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    step_s: float = 0.06
    irregularity: float = 0.8

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        swell = np.exp(self.irregularity * Noise(self.seed, 1).smooth(since_s / 0.7))
        envelope = swell * smooth_gate(t_s, self.start_s, self.stop_s, 0.2)
        shared = self._rough_wave(since_s, 2)
        columns = [
            amplitude * (0.8 * shared + 0.6 * self._rough_wave(since_s, 3 + 2 * channel))
            for channel, amplitude in enumerate(self.amplitude_uv)
        ]
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])

    def _rough_wave(self, since_s: Floats, key: int) -> Floats:
        """Return a smooth wave with some finer detail."""
        detail = Noise(self.seed, key + 1).smooth(since_s / (0.3 * self.step_s))
        return np.asarray(Noise(self.seed, key).smooth(since_s / self.step_s) + 0.12 * detail)


@dataclass(frozen=True, slots=True)
class Friction:
    """Fabric that rubs over the electrodes: crackling of 5 to 60 Hz and sharp static discharges.

    Attributes:
        seed: Selects the waveform.
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
        amplitude_uv: RMS at each pair during a stroke.
        stroke_s: Duration of a rubbing stroke.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    stroke_s: float = 0.5

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        strokes = np.clip(Noise(self.seed, 1).smooth(since_s / self.stroke_s), 0.0, 2.0)
        envelope = strokes * smooth_gate(t_s, self.start_s, self.stop_s, 0.1)
        columns = []
        for channel, amplitude in enumerate(self.amplitude_uv):
            rough = Noise(self.seed, 2, channel).smooth(since_s / 0.011)
            sharp = np.clip(Noise(self.seed, 3, channel).smooth(since_s / 0.004) - 2.0, 0.0, None)
            columns.append(amplitude * (0.9 * rough + 3.0 * sharp))
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])


@dataclass(frozen=True, slots=True)
class ContactNoise:
    """Noise of a contact that has become worse: broadband as electrode noise is, with some slow fluctuation.

    Attributes:
        seed: Selects the waveform.
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
        amplitude_uv: RMS at each pair.
        edge_s: How long it takes to rise and to fall.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    edge_s: float = 1.0

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        envelope = smooth_gate(t_s, self.start_s, self.stop_s, self.edge_s)
        columns = [
            amplitude
            * (
                # Power up to some 500 Hz, the pass band of the amplifier.
                0.95 * Noise(self.seed, 1, channel).smooth(since_s / 0.0012)
                + 0.3 * Noise(self.seed, 2, channel).smooth(since_s / 0.03)
            )
            for channel, amplitude in enumerate(self.amplitude_uv)
        ]
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])


@dataclass(frozen=True, slots=True)
class ElectrodePop:
    """A sudden change of electrode voltage, as when a cable is tugged: a jump, damped oscillation, slow recovery.

    Attributes:
        start_s: Seconds from the first sample.
        amplitude_uv: Height of the jump at each pair; either sign.
        swing_hz: Frequency at which the cable swings.
        damping_s: Time constant of the oscillation.
        recovery_s: Time constant of the recovery.
    """

    start_s: float
    amplitude_uv: tuple[float, ...]
    swing_hz: float = 9.0
    damping_s: float = 0.15
    recovery_s: float = 0.8

    @property
    def stop_s(self) -> float:
        """When it has decayed."""
        return self.start_s + 12 * max(self.damping_s, self.recovery_s)

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = np.clip(t_s - self.start_s, 0.0, None)
        swing = np.sin(2 * np.pi * self.swing_hz * since_s) * np.exp(-since_s / self.damping_s)
        # Contact resistance breaks in a millisecond or two, not in one sample.
        wave = (1 - np.exp(-since_s / 0.0015)) * np.exp(-since_s / self.recovery_s) + 0.7 * swing
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class HeelStrikes:
    """Heel strikes while walking: a brief oscillation at each step.

    Attributes:
        times_s: Ascending, at least one.
        amplitude_uv: Height of the oscillation at each pair; either sign.
    """

    times_s: Floats
    amplitude_uv: tuple[float, ...]

    @property
    def start_s(self) -> float:
        """Time of the first."""
        return float(self.times_s[0])

    @property
    def stop_s(self) -> float:
        """When the last has decayed."""
        return float(self.times_s[-1]) + 2.0

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        latest = np.clip(np.searchsorted(self.times_s, t_s, side="right") - 1, 0, None)
        since_s = np.clip(t_s - self.times_s[latest], 0.0, None)
        wave = np.sin(2 * np.pi * 14.0 * since_s) * np.exp(-since_s / 0.06)
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class MainsHum:
    """More mains hum for a while, from a lamp, a charger or an electric blanket.

    Attributes:
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
        amplitude_uv: Of the fundamental at each pair.
        frequency_hz: Mains frequency.
        harmonics: Amplitudes of the second, third, ... harmonic relative to the first.
    """

    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    frequency_hz: float
    harmonics: tuple[float, ...] = (0.1, 0.4, 0.05, 0.25, 0.05, 0.15)

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        first = np.exp(2j * np.pi * self.frequency_hz * t_s)
        wave, power = first.imag.copy(), first
        for share in self.harmonics:
            power = power * first
            wave += share * power.imag
        envelope = smooth_gate(t_s, self.start_s, self.stop_s, 0.02)
        return np.asarray((wave * envelope)[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class HeartInterference:
    """A stronger ECG for a while, when the foot touches the other leg.

    Attributes:
        heart: With the amplitudes that are added.
        start_s: Seconds from the first sample.
        stop_s: Seconds from the first sample.
    """

    heart: Heart
    start_s: float
    stop_s: float

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        return np.asarray(self.heart.evaluate(t_s) * smooth_gate(t_s, self.start_s, self.stop_s, 1.0)[:, None])


def smooth_gate(t_s: Floats, start_s: float, stop_s: float, edge_s: float) -> Floats:
    """Return 0 outside and 1 inside of an interval, with smooth edges of `edge_s` inside of it."""
    edge_s = min(edge_s, (stop_s - start_s) / 2)
    x = np.clip(np.minimum(t_s - start_s, stop_s - t_s) / edge_s, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
