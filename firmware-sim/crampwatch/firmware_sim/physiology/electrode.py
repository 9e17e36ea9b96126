"""Events of electrode, cable and surroundings: generators whose truth is `artefact`."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Disturbance, Fault, Span
from crampwatch.firmware_sim.physiology.chance import log_uniform
from crampwatch.firmware_sim.physiology.disturbance import Bleed, Friction, Hiss, Hum, Motion, Pop
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind

__all__ = [
    "CableTug",
    "Dropout",
    "HeartBleed",
    "LeadOff",
    "MainsStep",
    "Nudge",
    "PatchyLink",
    "PoorContact",
    "scattered",
]


@dataclass(frozen=True, slots=True)
class CableTug:
    """One or a few tugs at a cable.

    Attributes:
        height_uv: Height of a tug; up to the rails.
        tugs: How many.
    """

    height_uv: float
    tugs: int = 1
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Until the last has recovered."""
        return 1.5 * self.tugs + 20.0

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the tugs."""
        times_s = onset_s + np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 1.4, self.tugs - 1))])
        pops = tuple(
            Pop(
                float(at_s),
                scattered(rng, self.height_uv, wearer.channels),
                swing_hz=rng.uniform(4.0, 25.0),
                damping_s=rng.uniform(0.05, 0.3),
                recovery_s=rng.uniform(0.1, 1.5),
            )
            for at_s in times_s
        )
        last_s = float(times_s[-1]) + 3 * pops[-1].damping_s
        return Activity(disturbances=pops, spans=(_span("cable_tug", onset_s, last_s + 0.1),))


@dataclass(frozen=True, slots=True)
class Nudge:
    """The electrodes are moved or rubbed while the muscles rest.

    Attributes:
        label: `motion`: skin and electrodes shift; `friction`: fabric rubs over them.
        duration_s: Length.
        height_uv: RMS at its height.
    """

    label: Literal["motion", "friction"]
    duration_s: float
    height_uv: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length."""
        return self.duration_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the disturbance."""
        key = int(rng.integers(2**31))
        heights_uv = scattered(rng, self.height_uv, wearer.channels)
        stop_s = onset_s + self.duration_s
        wave: Disturbance = Friction(key, onset_s, stop_s, heights_uv, stroke_s=rng.uniform(0.2, 1.2))
        if self.label == "motion":
            wave = Motion(key, onset_s, stop_s, heights_uv, step_s=log_uniform(rng, 0.03, 0.15))
        return Activity(disturbances=(wave,), spans=(_span(self.label, onset_s, stop_s),))


@dataclass(frozen=True, slots=True)
class MainsStep:
    """Hum jumps up and, later, down again.

    Attributes:
        duration_s: Length.
        height_uv: Amplitude of the fundamental it adds.
        dimmed: Whether a dimmer chops it: sharp edges twice a cycle, even harmonics as strong as odd ones.
        lead_s: Never shows before its onset.
    """

    duration_s: float
    height_uv: float
    dimmed: bool = False
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length."""
        return self.duration_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the hum."""
        hum = Hum(
            onset_s,
            onset_s + self.duration_s,
            scattered(rng, self.height_uv, wearer.channels),
            wearer.mains.frequency_hz,
            self._harmonics(wearer, rng),
        )
        return Activity(disturbances=(hum,), spans=(_span("mains_step", onset_s, hum.stop_s),))

    def _harmonics(self, wearer: Wearer, rng: np.random.Generator) -> tuple[float, ...]:
        """Return the second harmonic and those above, as far as the sensor's band reaches."""
        shares = rng.uniform(0.02, 0.45, 6) / np.arange(1.5, 4.5, 0.5)
        if self.dimmed:
            shares = rng.uniform(0.4, 0.9, 8) / np.arange(2, 10) ** 0.5
        highest = int(wearer.front_end.band_hz[1] / wearer.mains.frequency_hz)
        return tuple(float(share) for share in shares[: max(0, highest - 1)])


@dataclass(frozen=True, slots=True)
class HeartBleed:
    """The heart comes through for a while.

    Attributes:
        duration_s: Length.
        height_uv: R wave it adds.
    """

    duration_s: float
    height_uv: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length."""
        return self.duration_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the beats."""
        heart = replace(wearer.heart, amplitude_uv=scattered(rng, self.height_uv, wearer.channels))
        stop_s = onset_s + self.duration_s
        return Activity(disturbances=(Bleed(heart, onset_s, stop_s),), spans=(_span("ecg", onset_s, stop_s),))


@dataclass(frozen=True, slots=True)
class LeadOff:
    """An electrode comes off, perhaps with a loose contact before and after.

    Attributes:
        channel: Index of the pair.
        duration_s: Length.
        mode: Whether the amplifier goes to its rail or picks up hum only.
        flaps: Brief losses of contact before it comes off for good.
        sensed: Whether the sensor's contact check notices.
    """

    channel: int
    duration_s: float
    mode: Literal["rail", "open"] = "rail"
    flaps: int = 2
    sensed: bool = True

    @property
    def lead_s(self) -> float:
        """Where the flapping begins."""
        return 1.2 * self.flaps + 0.5

    @property
    def extent_s(self) -> float:
        """Until the electrode voltage has settled."""
        return self.duration_s + 20.0

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the faults and the pops around them."""
        flaps_s = onset_s - 1.2 * np.arange(self.flaps, 0, -1)
        stretches = [(float(at_s), float(at_s + rng.uniform(0.1, 0.8))) for at_s in flaps_s]
        stretches.append((onset_s, onset_s + self.duration_s))
        faults = tuple(Fault(self.channel, *stretch, self.mode, self.sensed) for stretch in stretches)
        pops = tuple(
            Pop(at_s, self._jump(wearer, rng), recovery_s=rng.uniform(0.1, 1.0))
            for stretch in stretches
            for at_s in stretch
        )
        span = _span(f"lead_off_{self.mode}", stretches[0][0], stretches[-1][1])
        return Activity(disturbances=pops, faults=faults, spans=(span,))

    def _jump(self, wearer: Wearer, rng: np.random.Generator) -> tuple[float, ...]:
        jump_uv = log_uniform(rng, 300.0, 8000.0) * rng.choice([-1.0, 1.0])
        return tuple(jump_uv if channel == self.channel else 0.0 for channel in range(wearer.channels))


@dataclass(frozen=True, slots=True)
class Dropout:
    """The sensor delivers nothing.

    Attributes:
        duration_s: Length.
    """

    duration_s: float
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length."""
        return self.duration_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:  # noqa: ARG002 - the protocol
        """Return the gap."""
        stop_s = onset_s + self.duration_s
        gap = Fault(None, onset_s, stop_s, "missing", sensed=False)
        return Activity(faults=(gap,), spans=(_span("dropout", onset_s, stop_s),))


@dataclass(frozen=True, slots=True)
class PatchyLink:
    """Packets get lost one by one for a while: the foot at the edge of the radio's reach.

    Attributes:
        duration_s: Length.
        lost_share: Share of the packets that is lost.
        packet_s: Length of a packet; a loss takes one to three.
        lead_s: Never shows before its onset.
    """

    duration_s: float
    lost_share: float = 0.05
    packet_s: float = 0.06
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length and that of the last loss."""
        return self.duration_s + 4 * self.packet_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:  # noqa: ARG002 - the protocol
        """Return the gaps; they count as one event."""
        packets = int(self.duration_s / self.packet_s)
        lost = np.flatnonzero(rng.uniform(size=packets) < self.lost_share)
        lengths = rng.integers(1, 4, lost.size)
        gaps = tuple(
            Fault(None, onset_s + place * self.packet_s, onset_s + (place + length) * self.packet_s, "missing", False)
            for place, length in zip(lost.tolist(), lengths.tolist(), strict=True)
        )
        return Activity(faults=gaps, spans=(_span("patchy_link", onset_s, onset_s + self.duration_s),))


@dataclass(frozen=True, slots=True)
class PoorContact:
    """One pair presses on the skin less than before, and is noisier for it.

    Attributes:
        channel: Index of the pair.
        duration_s: Length.
        times: Noise it adds over the pair's own.
        edge_s: How long it takes to come and to go.
        lead_s: Never shows before its onset.
    """

    channel: int
    duration_s: float
    times: float = 3.0
    edge_s: float = 1.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its length."""
        return self.duration_s

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return the noise."""
        own_uv = float(wearer.floor_uv(onset_s)[self.channel]) * self.times
        heights_uv = tuple(own_uv if channel == self.channel else 0.0 for channel in range(wearer.channels))
        stop_s = onset_s + self.duration_s
        hiss = Hiss(int(rng.integers(2**31)), onset_s, stop_s, heights_uv, self.edge_s)
        return Activity(disturbances=(hiss,), spans=(_span("poor_contact", onset_s, stop_s),))


def scattered(rng: np.random.Generator, height_uv: float, channels: int) -> tuple[float, ...]:
    """Return an amplitude for each pair, of either sign, some much smaller than others."""
    factors = np.minimum(rng.lognormal(-0.2, 0.6, channels), 1.5) * rng.choice([-1.0, 1.0], channels)
    return tuple(float(height_uv * factor) for factor in factors)


def _span(label: str, onset_s: float, offset_s: float) -> Span:
    return Span(EpisodeKind.ARTEFACT, label, onset_s, offset_s)
