"""Voluntary and gross movement: holds, toe curls, leg movements, turning over, a foot that is not quite relaxed.

What distinguishes them from a cramp: units are recruited by size and discharge regularly (interval variation 10 to
20 %), synergists contract as well, and most contractions start and stop within a fraction of a second.
"""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Disturbance, Span
from crampwatch.firmware_sim.physiology.discharge import voluntary_contraction
from crampwatch.firmware_sim.physiology.disturbance import ElectrodePop, Motion, smooth_gate
from crampwatch.firmware_sim.physiology.electrode import scatter_over_channels
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise, log_uniform
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind

__all__ = [
    "Hold",
    "LegMovements",
    "RaisedTone",
    "Repositioning",
    "ToeCurls",
    "contract_together",
    "effort_shares",
    "movement_artefact",
]

_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Hold:
    """A voluntary contraction that is held for a while.

    Attributes:
        muscle: Index of the leading muscle.
        duration_s: Seconds.
        effort: Excitation of the leading muscle, 0 to 1.
        rise_s: Time to full effort and back: a fifth of a second if brisk, seconds in a slow stretch.
        label: `voluntary_hold`, or `slow_hold` for one that rises and falls slowly.
        synergy: Range of the effort of the other muscles relative to the leading one.
        unsteadiness: How much the effort fluctuates; 0.05 if held carefully, 0.3 if not.
    """

    muscle: int
    duration_s: float
    effort: float
    rise_s: float = 0.25
    label: str = "voluntary_hold"
    synergy: tuple[float, float] = (0.3, 1.0)
    unsteadiness: float = 0.1
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last potentials."""
        return self.duration_s + 0.5

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the contraction, with a little motion artefact where it starts and ends."""
        # A person reacts before full effort is felt: the gate opens a little before the onset.
        t_s = np.arange(0.0, self.duration_s, _STEP_S)
        shape = smooth_gate(t_s, -0.3 * self.rise_s, self.duration_s, 1.3 * self.rise_s)
        key = int(rng.integers(2**31))
        wavering = Noise(key, 1).smooth(t_s / 0.4) + 1.5 * Noise(key, 2).smooth(t_s / 4.0)
        unsteady = np.exp(self.unsteadiness * wavering)
        share = effort_shares(rng, wearer, self.muscle, self.synergy)
        discharges = contract_together(rng, wearer, onset_s + t_s, self.effort * shape * unsteady, share)
        height_uv = log_uniform(rng, 5.0, 150.0)
        ends = (onset_s, onset_s + self.duration_s - 0.6)
        motion = tuple(movement_artefact(rng, wearer, start_s, 0.6, height_uv) for start_s in ends)
        span = Span(EpisodeKind.MOVEMENT, self.label, onset_s - 0.05, onset_s + self.duration_s + 0.1)
        return Activity(discharges, motion, spans=(span,))


@dataclass(frozen=True, slots=True)
class ToeCurls:
    """A few curls of the toes, one after the other.

    Attributes:
        muscle: Index of the leading muscle.
        curls: Number of curls.
        effort: Excitation of the leading muscle, 0 to 1.
        curl_s: Mean duration of a curl.
        lead_s: Not visible before its onset.
    """

    muscle: int
    curls: int
    effort: float
    curl_s: float = 1.2
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """The longest it can take."""
        return self.curls * 3.2 * self.curl_s + 1.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the curls."""
        lengths_s = self.curl_s * rng.uniform(0.6, 1.5, self.curls)
        starts_s = np.concatenate([[0.0], np.cumsum(lengths_s + self.curl_s * rng.uniform(0.3, 1.5, self.curls))[:-1]])
        total_s = float(starts_s[-1] + lengths_s[-1])
        t_s = np.arange(0.0, total_s + 0.1, _STEP_S)
        drive = np.zeros(t_s.size)
        for start_s, length_s in zip(starts_s, lengths_s, strict=True):
            drive += self.effort * rng.uniform(0.7, 1.3) * smooth_gate(t_s, start_s - 0.02, start_s + length_s, 0.2)
        share = effort_shares(rng, wearer, self.muscle, (0.4, 1.2))
        motion = movement_artefact(rng, wearer, onset_s, total_s, log_uniform(rng, 10.0, 200.0))
        span = Span(EpisodeKind.MOVEMENT, "toe_curl", onset_s - 0.05, onset_s + total_s + 0.2)
        return Activity(contract_together(rng, wearer, onset_s + t_s, drive, share), (motion,), spans=(span,))


@dataclass(frozen=True, slots=True)
class LegMovements:
    """Leg movements during sleep: a single one, or a periodic series.

    Each lasts 0.5 to 10 s; in a series of four or more they follow each other by 5 to 90 s (AASM; Berry 2018, Ferri
    2016), mostly 15 to 40 s. Muscles of the lower leg lead, those of the foot contract as well.

    Attributes:
        label: `plm` for a series, `leg_movement` for a single one.
        count: Number of movements.
        interval_s: Mean time from onset to onset.
        length_s: Mean duration of a movement.
        effort: Excitation of the lower leg, 0 to 1.
        spread: Range of the effort of the foot muscles relative to the lower leg.
        lead_s: Not visible before its onset.
    """

    label: str
    count: int = 1
    interval_s: float = 25.0
    length_s: float = 2.0
    effort: float = 0.5
    spread: tuple[float, float] = (0.05, 0.8)
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """The longest it can take."""
        return 1.2 * self.interval_s * (self.count - 1) + 12.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the movements."""
        # The standard counts movements from 5 s apart; a movement of up to 9.5 s must end before the next.
        steps_s = self.interval_s * np.clip(rng.normal(1.0, 0.15, self.count - 1), 0.5, 1.5)
        times_s = onset_s + np.concatenate([[0.0], np.cumsum(np.maximum(steps_s, 10.5))])
        # The deep neighbour, which is last, stands for the muscles of the lower leg.
        share = effort_shares(rng, wearer, len(wearer.muscles) - 1, self.spread)
        parts = [
            self._generate_one(float(at_s), wearer, rng, share)
            for at_s in times_s
            if at_s < onset_s + self.extent_s - 11.0
        ]
        return Activity(
            tuple(discharges for part in parts for discharges in part.discharges),
            tuple(disturbance for part in parts for disturbance in part.disturbances),
            spans=tuple(span for part in parts for span in part.spans),
        )

    def _generate_one(self, onset_s: float, wearer: Wearer, rng: np.random.Generator, share: Floats) -> Activity:
        length_s = float(np.clip(self.length_s * rng.lognormal(0.0, 0.35), 0.5, 9.5))
        t_s = np.arange(0.0, length_s, _STEP_S)
        pieces = np.exp(rng.uniform(0.1, 0.8) * Noise(int(rng.integers(2**31)), 1).smooth(t_s / 0.35))
        drive = (
            self.effort * rng.lognormal(0.0, 0.3) * smooth_gate(t_s, -0.05, length_s, rng.uniform(0.1, 0.5)) * pieces
        )
        discharges = contract_together(rng, wearer, onset_s + t_s, drive, share)
        motion = movement_artefact(rng, wearer, onset_s, length_s, log_uniform(rng, 5.0, 400.0))
        span = Span(EpisodeKind.LEG_MOVEMENT, self.label, onset_s - 0.05, onset_s + length_s + 0.1)
        return Activity(discharges, (motion,), spans=(span,))


@dataclass(frozen=True, slots=True)
class Repositioning:
    """Turning over in bed: 3 to 45 s of changing contraction of all muscles, with motion artefact and electrode pops.

    Attributes:
        duration_s: Seconds.
        effort: Greatest excitation, 0 to 1.
        motion_uv: RMS of the motion artefact; up to millivolts.
        label: `repositioning`, or `stretch` if it ends a cramp.
    """

    duration_s: float
    effort: float = 0.4
    motion_uv: float = 500.0
    label: str = "repositioning"
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Until the electrode voltage has settled."""
        return self.duration_s + 15.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the movement."""
        t_s = np.arange(0.0, self.duration_s, _STEP_S)
        gate = smooth_gate(t_s, -0.1, self.duration_s, 0.3)
        discharges: list[Discharges] = []
        for number in range(len(wearer.muscles)):
            share = np.eye(len(wearer.muscles))[number]
            # Each muscle contracts and relaxes in a rhythm of its own while the body turns.
            wave = Noise(int(rng.integers(2**31)), number).smooth(t_s / rng.uniform(0.4, 1.5))
            drive = self.effort * np.clip(0.35 + 0.55 * wave, 0.0, 1.5) * gate
            discharges += contract_together(rng, wearer, onset_s + t_s, drive, share)
        span = Span(
            EpisodeKind.MOVEMENT, self.label, onset_s, onset_s + self.duration_s, is_bounded_by_discharges=False
        )
        return Activity(tuple(discharges), self._disturbances(onset_s, wearer, rng), spans=(span,))

    def _disturbances(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> tuple[Disturbance, ...]:
        pops = [
            ElectrodePop(
                onset_s + float(rng.uniform(0.0, self.duration_s)),
                scatter_over_channels(rng, 2 * self.motion_uv, wearer.channels),
                recovery_s=float(rng.uniform(0.1, 1.2)),
            )
            for _ in range(int(rng.poisson(self.duration_s / 6.0)))
        ]
        return (movement_artefact(rng, wearer, onset_s, self.duration_s, self.motion_uv), *pops)


@dataclass(frozen=True, slots=True)
class RaisedTone:
    """A foot held in a posture: a few units of every muscle discharge for minutes, with a slowly changing drive.

    Attributes:
        muscle: Index of the leading muscle.
        duration_s: Seconds.
        effort: Excitation of the leading muscle; a few hundredths.
        rise_s: How long it takes to rise and to fall.
        lead_s: Not visible before its onset.
    """

    muscle: int
    duration_s: float
    effort: float = 0.03
    rise_s: float = 10.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Its duration and that of the last potentials."""
        return self.duration_s + 0.5

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the tone, without motion artefact."""
        t_s = np.arange(0.0, self.duration_s, 5 * _STEP_S)
        wander = np.exp(0.25 * Noise(int(rng.integers(2**31)), 1).smooth(t_s / 6.0))
        drive = self.effort * smooth_gate(t_s, -0.05 * self.rise_s, self.duration_s, self.rise_s) * wander
        share = effort_shares(rng, wearer, self.muscle, (0.3, 1.2))
        span = Span(EpisodeKind.MOVEMENT, "raised_tone", onset_s - 0.05, onset_s + self.duration_s + 0.1)
        return Activity(contract_together(rng, wearer, onset_s + t_s, drive, share), spans=(span,))


def effort_shares(rng: np.random.Generator, wearer: Wearer, leader: int, synergy: tuple[float, float]) -> Floats:
    """Return the share that each muscle has in an effort: 1 for the leading muscle, random for the others."""
    share = rng.uniform(*synergy, len(wearer.muscles))
    share[leader] = 1.0
    return np.asarray(share)


def contract_together(
    rng: np.random.Generator, wearer: Wearer, time_s: Floats, drive: Floats, share: Floats
) -> tuple[Discharges, ...]:
    """Generate contractions of all muscles under one drive, each with its share of it."""
    stretch, gain = wearer.stretch_at(float(time_s[0])), wearer.gain_at(float(time_s[0]))
    return tuple(
        voluntary_contraction(
            rng,
            muscle,
            number,
            time_s,
            np.clip(share[number] * drive, 0.0, 1.0),
            interval_cv=rng.uniform(0.10, 0.20),
            stretch=stretch,
            gain=gain,
        )
        for number, muscle in enumerate(wearer.muscles)
        if share[number] > 0
    )


def movement_artefact(
    rng: np.random.Generator, wearer: Wearer, start_s: float, length_s: float, height_uv: float
) -> Motion:
    """Draw the motion artefact of a movement."""
    heights_uv = scatter_over_channels(rng, height_uv, wearer.channels)
    key = int(rng.integers(2**31))
    return Motion(key, start_s, start_s + length_s, heights_uv, step_s=rng.uniform(0.04, 0.12))
