"""A person with electrodes on: everything about a recording that is not an event."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from crampwatch.firmware_sim.physiology.background import Heart, Mains, NoiseFloor
from crampwatch.firmware_sim.physiology.disturbance import smooth_gate
from crampwatch.firmware_sim.physiology.front_end import FrontEnd
from crampwatch.firmware_sim.physiology.muscle import Muscle, Sampling, draw_muscle
from crampwatch.firmware_sim.physiology.potential import Electrodes
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise, log_uniform, rng_for
from crampwatch.firmware_sim.physiology.skin import SkinTemperature, amplitude_factor, duration_factor

__all__ = ["MUSCLES", "Traits", "Wearer", "draw_wearer"]

MUSCLES = (
    "abductor hallucis",
    "flexor hallucis brevis",
    "flexor digitorum brevis",
    "gastrocnemius medialis",
)
"""One electrode pair each, in the order of the channels."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Ranges that a wearer is drawn from: pairs of a lower and an upper limit.

    Attributes:
        floor_uv: Noise of electrode and amplifier, RMS; 0.5 to 6 uV in real recordings.
        drift_uv: 1/f drift of the electrode voltage.
        full_rms_uv: RMS of the EMG of each muscle at full voluntary effort.
        mains_uv: Amplitude of the mains hum.
        heart_uv: Height of the R wave; a foot is far from the heart.
        drying: Factor by which noise grows, and gain shrinks, in 8 h as the gel dries.
        lsb_uv: Microvolts per count.
        rail_uv: Where the amplifier clips.
        skin: Temperature of the skin.
        sweat: Periods in which sweat bridges the electrodes: channel, start and duration in s, and factor of the gain.
        bridging: How much of the signal of the neighbouring pair a bridged pair picks up, per gain that it loses.
    """

    floor_uv: tuple[float, float] = (0.8, 2.5)
    drift_uv: tuple[float, float] = (2.0, 12.0)
    full_rms_uv: tuple[float, float] = (110.0, 300.0)
    mains_uv: tuple[float, float] = (0.3, 3.0)
    heart_uv: tuple[float, float] = (0.05, 1.0)
    drying: tuple[float, float] = (1.0, 1.2)
    lsb_uv: float = 0.25
    rail_uv: float = 8000.0
    skin: SkinTemperature = field(default_factory=lambda: SkinTemperature(0))
    sweat: tuple[tuple[int, float, float, float], ...] = ()
    bridging: float = 0.0


@dataclass(frozen=True)
class Wearer:
    """A person with electrodes on.

    Attributes:
        seed: Selects everything that fluctuates slowly.
        muscles: One below each electrode pair, and as the last a deep neighbour without a pair.
        floors: Noise of each pair.
        mains: Hum at all pairs.
        heart: ECG at all pairs.
        skin: Temperature of the skin.
        front_end: The amplifier.
        polarity: 1 or -1 for each pair.
        fading: Factor by which the gain of each pair shrinks in 8 h.
        sweat: As in `Traits`.
        bridging: As in `Traits`.
        lsb_uv: Microvolts per count.
    """

    seed: int
    muscles: tuple[Muscle, ...]
    floors: tuple[NoiseFloor, ...]
    mains: Mains
    heart: Heart
    skin: SkinTemperature
    front_end: FrontEnd
    polarity: tuple[int, ...]
    fading: tuple[float, ...]
    sweat: tuple[tuple[int, float, float, float], ...]
    bridging: float
    lsb_uv: float

    @property
    def channels(self) -> int:
        """Number of electrode pairs."""
        return len(self.floors)

    def floor_uv(self, t_s: float = 0.0) -> Floats:
        """Return the RMS of the noise of each pair at `t_s`, shape (channels,)."""
        return np.array([floor.rms_uv * floor.drying ** (t_s / 28_800.0) for floor in self.floors])

    def stretch_at(self, t_s: float) -> float:
        """Return the duration of potentials at `t_s` relative to that at 33 degC."""
        return duration_factor(float(self.skin.at(np.array([t_s]))[0]))

    def gain_at(self, t_s: float) -> float:
        """Return the height of potentials at `t_s` relative to that at 33 degC."""
        return amplitude_factor(float(self.skin.at(np.array([t_s]))[0]))

    def electrode_gain(self, t_s: Floats) -> Floats:
        """Return the slowly changing gain of each pair, shape (times, channels)."""
        columns = [
            np.exp(np.log(fading) / 28_800.0 * t_s + 0.03 * Noise(self.seed, 21, channel).slow(t_s, 300.0))
            for channel, fading in enumerate(self.fading)
        ]
        gain = np.stack(columns, axis=1)
        for channel, start_s, length_s, factor in self.sweat:
            if channel < self.channels and start_s < t_s[-1] and start_s + length_s > t_s[0]:
                gain[:, channel] *= factor ** smooth_gate(t_s, start_s, start_s + length_s, 60.0)
        return gain

    def mix_bridged(self, emg_uv: Floats, t_s: Floats) -> Floats:
        """Return the EMG at the pairs, shape (times, channels), mixed where sweat bridges them."""
        seen = self.electrode_gain(t_s) * emg_uv
        if not self.bridging or self.channels < 2:
            return seen
        for channel, start_s, length_s, factor in self.sweat:
            if channel < self.channels and start_s < t_s[-1] and start_s + length_s > t_s[0]:
                share = self.bridging * (1 - factor) * smooth_gate(t_s, start_s, start_s + length_s, 60.0)
                seen[:, channel] += share * emg_uv[:, (channel + 1) % self.channels]
        return seen

    def background(self, first_index: int, count: int) -> Floats:
        """Return what the pairs pick up at rest, in microvolts before the front end, shape (count, channels)."""
        rate_hz, band_hz = self.front_end.rate_hz, self.front_end.band_hz
        t_s = (first_index + np.arange(count)) / rate_hz
        noise = [floor.evaluate(first_index, count, rate_hz=rate_hz, band_hz=band_hz) for floor in self.floors]
        return np.stack(noise, axis=1) + self.mains.evaluate(t_s) + self.heart.evaluate(t_s)


def draw_wearer(seed: int, traits: Traits, *, channels: int, rate_hz: float) -> Wearer:
    """Draw a wearer; the same arguments give the same one."""
    rng = rng_for(seed, 1)
    # The usual band of surface EMG; an anti-aliasing filter ends it below half the rate.
    band_hz = (10.0, min(450.0, 0.45 * rate_hz))
    floor_uv = [log_uniform(rng, *traits.floor_uv) for _ in range(channels)]
    mains_uv = log_uniform(rng, *traits.mains_uv)
    heart_uv = log_uniform(rng, *traits.heart_uv)
    drying = rng.uniform(*traits.drying, channels)
    return Wearer(
        seed=seed,
        muscles=_muscles(rng_for(seed, 2), traits, channels, Sampling(rate_hz, band_hz[1])),
        floors=tuple(
            NoiseFloor(seed, index, rms_uv, rng.uniform(*traits.drift_uv), drying[index])
            for index, rms_uv in enumerate(floor_uv)
        ),
        mains=Mains(
            seed,
            50.0 if rng.uniform() < 0.7 else 60.0,
            _scattered(rng, mains_uv, channels),
            third=rng.uniform(0.02, 0.5),
            highest_hz=band_hz[1],
        ),
        heart=Heart(seed, rng.uniform(0.8, 1.25), _scattered(rng, heart_uv, channels)),
        skin=traits.skin,
        front_end=FrontEnd(rate_hz, band_hz, traits.rail_uv),
        polarity=tuple(int(sign) for sign in rng.choice([-1, 1], channels)),
        fading=tuple(float(factor) for factor in 1 / drying),
        sweat=traits.sweat,
        bridging=traits.bridging,
        lsb_uv=traits.lsb_uv,
    )


def _scattered(rng: np.random.Generator, amplitude_uv: float, channels: int) -> tuple[float, ...]:
    return tuple(float(amplitude_uv * factor) for factor in rng.lognormal(0.0, 0.4, channels))


def _muscles(rng: np.random.Generator, traits: Traits, channels: int, sampling: Sampling) -> tuple[Muscle, ...]:
    lateral_mm = np.cumsum(rng.uniform(22.0, 38.0, channels))
    electrodes = Electrodes(lateral_mm, rng.uniform(8.0, 20.0, channels), rng.uniform(12.0, 20.0))
    depths_mm: Sequence[float] = [*rng.uniform(3.5, 8.0, channels), rng.uniform(12.0, 18.0)]
    middles_mm: Sequence[float] = [*lateral_mm, float(lateral_mm[0] - rng.uniform(18.0, 30.0))]
    fulls_uv = [log_uniform(rng, *traits.full_rms_uv) for _ in range(channels)]
    # The deep neighbour is weak at the skin: it is only picked up as crosstalk.
    fulls_uv.append(0.15 * log_uniform(rng, *traits.full_rms_uv))
    return tuple(
        draw_muscle(
            rng,
            electrodes=electrodes,
            sampling=sampling,
            lateral_mm=middle_mm,
            depth_mm=depth_mm,
            full_rms_uv=full_uv,
            own_channel=index if index < channels else None,
        )
        for index, (middle_mm, depth_mm, full_uv) in enumerate(zip(middles_mm, depths_mm, fulls_uv, strict=True))
    )
