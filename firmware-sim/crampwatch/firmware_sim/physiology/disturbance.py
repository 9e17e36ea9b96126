"""What adds to the electrode voltage without being muscle: motion, friction, cable tugs, hum, hiss, heart."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.background import Heart
from crampwatch.firmware_sim.physiology.chance import Floats, Lattice

__all__ = ["Bleed", "Friction", "Hiss", "Hum", "Motion", "Pop", "Strikes", "edges"]


@dataclass(frozen=True, slots=True)
class Motion:
    """Skin stretching and electrodes shifting: noise below some 20 Hz, up to millivolts, on every pair.

    Attributes:
        seed: Decides the wave.
        start_s: When it starts.
        stop_s: When it has ended.
        amplitude_uv: RMS at each pair at its height.
        step_s: Coarseness of the wave; nearly all power lies below 0.6 / `step_s` Hz.
        unrest: How unevenly it comes, 0 to about 1.5.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    step_s: float = 0.06
    unrest: float = 0.8

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        swell = np.exp(self.unrest * Lattice(self.seed, 1).smooth(since_s / 0.7))
        envelope = swell * edges(t_s, self.start_s, self.stop_s, 0.2)
        shared = self._rough(since_s, 2)
        columns = [
            amplitude * (0.8 * shared + 0.6 * self._rough(since_s, 3 + 2 * channel))
            for channel, amplitude in enumerate(self.amplitude_uv)
        ]
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])

    def _rough(self, since_s: Floats, key: int) -> Floats:
        """Return a wave with a little finer detail on it."""
        detail = Lattice(self.seed, key + 1).smooth(since_s / (0.3 * self.step_s))
        return np.asarray(Lattice(self.seed, key).smooth(since_s / self.step_s) + 0.12 * detail)


@dataclass(frozen=True, slots=True)
class Friction:
    """Fabric rubbing over the electrodes: crackles of 5 to 60 Hz and sharp little discharges.

    Attributes:
        seed: Decides the crackle.
        start_s: When it starts.
        stop_s: When it has ended.
        amplitude_uv: RMS within a crackle at each pair.
        stroke_s: Length of a rubbing stroke.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    stroke_s: float = 0.5

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        strokes = np.clip(Lattice(self.seed, 1).smooth(since_s / self.stroke_s), 0.0, 2.0)
        envelope = strokes * edges(t_s, self.start_s, self.stop_s, 0.1)
        columns = []
        for channel, amplitude in enumerate(self.amplitude_uv):
            rough = Lattice(self.seed, 2, channel).smooth(since_s / 0.011)
            sharp = np.clip(Lattice(self.seed, 3, channel).smooth(since_s / 0.004) - 2.0, 0.0, None)
            columns.append(amplitude * (0.9 * rough + 3.0 * sharp))
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])


@dataclass(frozen=True, slots=True)
class Hiss:
    """A contact that has grown worse: broad noise, as that of every electrode but more of it, and some slow unrest.

    Attributes:
        seed: Decides the noise.
        start_s: When it starts.
        stop_s: When it has ended.
        amplitude_uv: RMS at each pair.
        edge_s: How long it takes to come and to go.
    """

    seed: int
    start_s: float
    stop_s: float
    amplitude_uv: tuple[float, ...]
    edge_s: float = 1.0

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = t_s - self.start_s
        envelope = edges(t_s, self.start_s, self.stop_s, self.edge_s)
        columns = [
            amplitude
            * (
                # Power up to some 500 Hz, as the amplifier lets through.
                0.95 * Lattice(self.seed, 1, channel).smooth(since_s / 0.0012)
                + 0.3 * Lattice(self.seed, 2, channel).smooth(since_s / 0.03)
            )
            for channel, amplitude in enumerate(self.amplitude_uv)
        ]
        return np.asarray(np.stack(columns, axis=1) * envelope[:, None])


@dataclass(frozen=True, slots=True)
class Pop:
    """A sudden change of electrode voltage, as by a cable tug: a jump, damped swinging, slow recovery.

    Attributes:
        start_s: When it happens.
        amplitude_uv: Height of the jump at each pair; either sign.
        swing_hz: Frequency of the swinging cable.
        damping_s: Time constant of the swinging.
        recovery_s: Time constant of the recovery.
    """

    start_s: float
    amplitude_uv: tuple[float, ...]
    swing_hz: float = 9.0
    damping_s: float = 0.15
    recovery_s: float = 0.8

    @property
    def stop_s(self) -> float:
        """When nothing is left of it."""
        return self.start_s + 12 * max(self.damping_s, self.recovery_s)

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        since_s = np.clip(t_s - self.start_s, 0.0, None)
        swing = np.sin(2 * np.pi * self.swing_hz * since_s) * np.exp(-since_s / self.damping_s)
        # Contact resistance breaks in a millisecond or two, not in one sample.
        wave = (1 - np.exp(-since_s / 0.0015)) * np.exp(-since_s / self.recovery_s) + 0.7 * swing
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class Strikes:
    """Heel strikes: a brief swing at each step.

    Attributes:
        times_s: When the heel strikes, ascending, at least one.
        amplitude_uv: Height of the swing at each pair; either sign.
    """

    times_s: Floats
    amplitude_uv: tuple[float, ...]

    @property
    def start_s(self) -> float:
        """When the first happens."""
        return float(self.times_s[0])

    @property
    def stop_s(self) -> float:
        """When nothing is left of the last."""
        return float(self.times_s[-1]) + 2.0

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        latest = np.clip(np.searchsorted(self.times_s, t_s, side="right") - 1, 0, None)
        since_s = np.clip(t_s - self.times_s[latest], 0.0, None)
        wave = np.sin(2 * np.pi * 14.0 * since_s) * np.exp(-since_s / 0.06)
        return np.asarray(wave[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class Hum:
    """More mains for a while: a lamp, a charger, an electric blanket.

    Attributes:
        start_s: When it is switched on.
        stop_s: When it is switched off.
        amplitude_uv: At each pair.
        frequency_hz: Of the mains.
        harmonics: Amplitudes of the second, third, ... over the first.
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
        envelope = edges(t_s, self.start_s, self.stop_s, 0.02)
        return np.asarray((wave * envelope)[:, None] * np.array(self.amplitude_uv))


@dataclass(frozen=True, slots=True)
class Bleed:
    """The heart seen more clearly for a while, when the foot touches the other leg.

    Attributes:
        heart: The heart, at the amplitudes it adds.
        start_s: When it starts.
        stop_s: When it ends.
    """

    heart: Heart
    start_s: float
    stop_s: float

    def evaluate(self, t_s: Floats) -> Floats:
        """Return microvolts, shape (times, channels)."""
        return np.asarray(self.heart.evaluate(t_s) * edges(t_s, self.start_s, self.stop_s, 1.0)[:, None])


def edges(t_s: Floats, start_s: float, stop_s: float, edge_s: float) -> Floats:
    """Return a smooth gate: 0 outside, 1 inside, raised over `edge_s` at both ends."""
    edge_s = min(edge_s, (stop_s - start_s) / 2)
    x = np.clip(np.minimum(t_s - start_s, stop_s - t_s) / edge_s, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
