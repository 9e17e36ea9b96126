"""Events that are artefacts: of electrodes, cables, the radio link and the surroundings."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Disturbance, Fault, Span
from crampwatch.firmware_sim.physiology.disturbance import (
    ContactNoise,
    ElectrodePop,
    Friction,
    HeartInterference,
    MainsHum,
    Motion,
)
from crampwatch.firmware_sim.physiology.randomness import log_uniform
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind

__all__ = [
    "CableTug",
    "Dropout",
    "HeartArtefact",
    "LeadOff",
    "MainsStep",
    "MotionArtefact",
    "PatchyLink",
    "PoorContact",
    "scatter_over_channels",
]


@dataclass(frozen=True, slots=True)
class CableTug:
    """One or a few tugs at a cable.

    Attributes:
        height_uv: Voltage jump of a tug; may reach the rails of the amplifier.
        tugs: Number of tugs.
    """

    height_uv: float
    tugs: int = 1
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Until the electrodes have recovered from the last tug."""
        return 1.5 * self.tugs + 20.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the tugs."""
        times_s = onset_s + np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 1.4, self.tugs - 1))])
        pops = tuple(
            ElectrodePop(
                float(at_s),
                scatter_over_channels(rng, self.height_uv, wearer.channels),
                swing_hz=rng.uniform(4.0, 25.0),
                damping_s=rng.uniform(0.05, 0.3),
                recovery_s=rng.uniform(0.1, 1.5),
            )
            for at_s in times_s
        )
        last_s = float(times_s[-1]) + 3 * pops[-1].damping_s
        return Activity(disturbances=pops, spans=(_artefact_span("cable_tug", onset_s, last_s + 0.1),))


@dataclass(frozen=True, slots=True)
class MotionArtefact:
    """Electrodes are moved or rubbed while the muscles are at rest.

    Attributes:
        label: `motion`: skin and electrodes shift; `friction`: fabric rubs over them.
        duration_s: Seconds.
        height_uv: RMS when it is strongest.
    """

    label: Literal["motion", "friction"]
    duration_s: float
    height_uv: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration."""
        return self.duration_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the disturbance."""
        key = int(rng.integers(2**31))
        heights_uv = scatter_over_channels(rng, self.height_uv, wearer.channels)
        stop_s = onset_s + self.duration_s
        wave: Disturbance = Friction(key, onset_s, stop_s, heights_uv, stroke_s=rng.uniform(0.2, 1.2))
        if self.label == "motion":
            wave = Motion(key, onset_s, stop_s, heights_uv, step_s=log_uniform(rng, 0.03, 0.15))
        return Activity(disturbances=(wave,), spans=(_artefact_span(self.label, onset_s, stop_s),))


@dataclass(frozen=True, slots=True)
class MainsStep:
    """Mains hum that suddenly becomes stronger and, later, weaker again.

    Attributes:
        duration_s: Seconds.
        height_uv: Amplitude of the additional fundamental.
        is_dimmed: Whether a dimmer chops it: sharp edges twice per cycle, even harmonics as strong as odd ones.
        lead_s: Not visible before its onset.
    """

    duration_s: float
    height_uv: float
    is_dimmed: bool = False
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration."""
        return self.duration_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the hum."""
        hum = MainsHum(
            onset_s,
            onset_s + self.duration_s,
            scatter_over_channels(rng, self.height_uv, wearer.channels),
            wearer.mains.frequency_hz,
            self._draw_harmonics(wearer, rng),
        )
        return Activity(disturbances=(hum,), spans=(_artefact_span("mains_step", onset_s, hum.stop_s),))

    def _draw_harmonics(self, wearer: Wearer, rng: np.random.Generator) -> tuple[float, ...]:
        """Draw the second and higher harmonics, up to the end of the pass band of the sensor."""
        shares = rng.uniform(0.02, 0.45, 6) / np.arange(1.5, 4.5, 0.5)
        if self.is_dimmed:
            shares = rng.uniform(0.4, 0.9, 8) / np.arange(2, 10) ** 0.5
        highest = int(wearer.front_end.band_hz[1] / wearer.mains.frequency_hz)
        return tuple(float(share) for share in shares[: max(0, highest - 1)])


@dataclass(frozen=True, slots=True)
class HeartArtefact:
    """The ECG is stronger for a while.

    Attributes:
        duration_s: Seconds.
        height_uv: Height of the additional R wave.
    """

    duration_s: float
    height_uv: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration."""
        return self.duration_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the beats."""
        heart = replace(wearer.heart, amplitude_uv=scatter_over_channels(rng, self.height_uv, wearer.channels))
        stop_s = onset_s + self.duration_s
        return Activity(
            disturbances=(HeartInterference(heart, onset_s, stop_s),), spans=(_artefact_span("ecg", onset_s, stop_s),)
        )


@dataclass(frozen=True, slots=True)
class LeadOff:
    """An electrode comes off, perhaps after some brief losses of contact.

    Attributes:
        channel: Index of the electrode pair.
        duration_s: Seconds.
        mode: Whether the amplifier goes to its rail, or picks up nothing but mains hum.
        flaps: Number of brief losses of contact before it comes off.
        is_sensed: Whether the contact check of the sensor notices it.
    """

    channel: int
    duration_s: float
    mode: Literal["rail", "open"] = "rail"
    flaps: int = 2
    is_sensed: bool = True

    @property
    def lead_s(self) -> float:
        """Room for the brief losses of contact."""
        return 1.2 * self.flaps + 0.5

    @property
    def extent_s(self) -> float:
        """Until the electrode voltage has settled."""
        return self.duration_s + 20.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the faults, and electrode pops at their beginnings and ends."""
        flaps_s = onset_s - 1.2 * np.arange(self.flaps, 0, -1)
        stretches = [(float(at_s), float(at_s + rng.uniform(0.1, 0.8))) for at_s in flaps_s]
        stretches.append((onset_s, onset_s + self.duration_s))
        faults = tuple(Fault(self.channel, *stretch, self.mode, self.is_sensed) for stretch in stretches)
        pops = tuple(
            ElectrodePop(at_s, self._draw_jump(wearer, rng), recovery_s=rng.uniform(0.1, 1.0))
            for stretch in stretches
            for at_s in stretch
        )
        span = _artefact_span(f"lead_off_{self.mode}", stretches[0][0], stretches[-1][1])
        return Activity(disturbances=pops, faults=faults, spans=(span,))

    def _draw_jump(self, wearer: Wearer, rng: np.random.Generator) -> tuple[float, ...]:
        jump_uv = log_uniform(rng, 300.0, 8000.0) * rng.choice([-1.0, 1.0])
        return tuple(jump_uv if channel == self.channel else 0.0 for channel in range(wearer.channels))


@dataclass(frozen=True, slots=True)
class Dropout:
    """The sensor delivers no samples.

    Attributes:
        duration_s: Seconds.
    """

    duration_s: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration."""
        return self.duration_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:  # noqa: ARG002 - the protocol
        """Generate the gap."""
        stop_s = onset_s + self.duration_s
        gap = Fault(None, onset_s, stop_s, "missing", is_sensed=False)
        return Activity(faults=(gap,), spans=(_artefact_span("dropout", onset_s, stop_s),))


@dataclass(frozen=True, slots=True)
class PatchyLink:
    """Single packets are lost for a while, as when the foot is at the edge of radio range.

    Attributes:
        duration_s: Seconds.
        lost_share: Share of the packets that are lost.
        packet_s: Duration of the samples in a packet; a loss affects one to three packets.
        lead_s: Not visible before its onset.
    """

    duration_s: float
    lost_share: float = 0.05
    packet_s: float = 0.06
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last loss."""
        return self.duration_s + 4 * self.packet_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:  # noqa: ARG002 - the protocol
        """Generate the gaps, which count as one event."""
        # Losses are independent of one another, unlike those of a body between sensor and host.
        packets = int(self.duration_s / self.packet_s)
        lost = np.flatnonzero(rng.uniform(size=packets) < self.lost_share)
        lengths = rng.integers(1, 4, lost.size)
        gaps = tuple(
            Fault(None, onset_s + place * self.packet_s, onset_s + (place + length) * self.packet_s, "missing", False)
            for place, length in zip(lost.tolist(), lengths.tolist(), strict=True)
        )
        return Activity(faults=gaps, spans=(_artefact_span("patchy_link", onset_s, onset_s + self.duration_s),))


@dataclass(frozen=True, slots=True)
class PoorContact:
    """One electrode pair has worse contact with the skin than before, and more noise.

    Attributes:
        channel: Index of the electrode pair.
        duration_s: Seconds.
        times: Additional noise relative to the own noise of the pair.
        edge_s: How long the noise takes to rise and to fall.
        lead_s: Not visible before its onset.
    """

    channel: int
    duration_s: float
    times: float = 3.0
    edge_s: float = 1.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration."""
        return self.duration_s

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the noise."""
        own_uv = float(wearer.floor_uv(onset_s)[self.channel]) * self.times
        heights_uv = tuple(own_uv if channel == self.channel else 0.0 for channel in range(wearer.channels))
        stop_s = onset_s + self.duration_s
        hiss = ContactNoise(int(rng.integers(2**31)), onset_s, stop_s, heights_uv, self.edge_s)
        return Activity(disturbances=(hiss,), spans=(_artefact_span("poor_contact", onset_s, stop_s),))


def scatter_over_channels(rng: np.random.Generator, height_uv: float, channels: int) -> tuple[float, ...]:
    """Draw an amplitude for each electrode pair, of either sign, some much smaller than others."""
    # Pairs differ in skin, cable and distance; the limit keeps a drawn height meaningful.
    factors = np.minimum(rng.lognormal(-0.2, 0.6, channels), 1.5) * rng.choice([-1.0, 1.0], channels)
    return tuple(float(height_uv * factor) for factor in factors)


def _artefact_span(label: str, onset_s: float, offset_s: float) -> Span:
    return Span(EpisodeKind.ARTEFACT, label, onset_s, offset_s)
