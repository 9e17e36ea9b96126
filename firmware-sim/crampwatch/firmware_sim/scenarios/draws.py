"""What can happen in a night: how the parameters of each event are drawn, and how often it occurs in which stage."""

from collections.abc import Callable
from enum import StrEnum
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.electrode import (
    CableTug,
    Dropout,
    HeartArtefact,
    LeadOff,
    MainsStep,
    MotionArtefact,
    PatchyLink,
    PoorContact,
)
from crampwatch.firmware_sim.physiology.event import Event
from crampwatch.firmware_sim.physiology.gait import Walking
from crampwatch.firmware_sim.physiology.movement import Hold, LegMovements, RaisedTone, Repositioning, ToeCurls
from crampwatch.firmware_sim.physiology.randomness import log_uniform, weighted_choice
from crampwatch.firmware_sim.physiology.rhythm import Rhythm, UnitTrain
from crampwatch.firmware_sim.physiology.twitch import Bursts, Fasciculations, Myokymia

__all__ = [
    "ARTEFACTS",
    "EVENTS",
    "FAULTS",
    "HARD_ARTEFACTS",
    "HARD_EVENTS",
    "Draw",
    "Stage",
    "draw_alma",
    "draw_cable_tug",
    "draw_dimmer",
    "draw_fasciculations",
    "draw_foot_tremor",
    "draw_friction",
    "draw_heart_artefact",
    "draw_hflm",
    "draw_hold",
    "draw_jerk",
    "draw_lead_off",
    "draw_leg_movement",
    "draw_long_gap",
    "draw_mains_step",
    "draw_motion",
    "draw_myoclonus",
    "draw_myokymia",
    "draw_patchy_link",
    "draw_plm",
    "draw_poor_contact",
    "draw_raised_tone",
    "draw_rem_twitches",
    "draw_repositioning",
    "draw_short_gap",
    "draw_slow_hold",
    "draw_toe_curls",
    "draw_tremor",
    "draw_unit_train",
    "draw_walking",
]

Draw = Callable[[np.random.Generator, int], Event]
"""Draws an event for a wearer with this many muscles below electrodes."""


class Stage(StrEnum):
    """A stage of sleep."""

    WAKE = "wake"
    LIGHT = "light"
    DEEP = "deep"
    REM = "rem"


def draw_hold(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a voluntary hold of up to a minute."""
    return Hold(
        int(rng.integers(muscles)),
        log_uniform(rng, 3.0, 60.0),
        log_uniform(rng, 0.05, 0.6),
        rise_s=log_uniform(rng, 0.12, 1.2),
        synergy=(0.0, 0.25) if rng.uniform() < 0.25 else (0.3, 1.0),
        unsteadiness=log_uniform(rng, 0.03, 0.3),
    )


def draw_slow_hold(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a hold that rises and falls slowly: of all movements the most similar to a cramp."""
    return Hold(
        int(rng.integers(muscles)),
        log_uniform(rng, 8.0, 60.0),
        log_uniform(rng, 0.05, 0.5),
        rise_s=rng.uniform(1.5, 6.0),
        label="slow_hold",
        synergy=(0.1, 0.9),
        unsteadiness=log_uniform(rng, 0.03, 0.3),
    )


def draw_raised_tone(rng: np.random.Generator, muscles: int) -> Event:
    """Draw up to minutes in which the foot is not quite relaxed."""
    return RaisedTone(
        int(rng.integers(muscles)),
        log_uniform(rng, 20.0, 400.0),
        log_uniform(rng, 0.01, 0.06),
        log_uniform(rng, 1.0, 15.0),
    )


def draw_toe_curls(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a few toe curls."""
    return ToeCurls(
        int(rng.integers(muscles)), int(rng.integers(1, 7)), log_uniform(rng, 0.1, 0.7), rng.uniform(0.5, 3.0)
    )


def draw_repositioning(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a turn in bed."""
    return Repositioning(log_uniform(rng, 3.0, 45.0), log_uniform(rng, 0.1, 0.7), log_uniform(rng, 60.0, 3000.0))


def draw_walking(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a walk to the bathroom and back."""
    pause_s = rng.uniform(20.0, 90.0)
    return Walking(
        pause_s + rng.uniform(20.0, 90.0),
        pause_s,
        rng.uniform(0.95, 1.4),
        log_uniform(rng, 0.2, 0.8),
        log_uniform(rng, 80.0, 1500.0),
    )


def draw_leg_movement(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a single leg movement."""
    return LegMovements("leg_movement", length_s=log_uniform(rng, 0.6, 6.0), effort=log_uniform(rng, 0.15, 0.9))


def draw_plm(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a series of periodic leg movements."""
    return LegMovements(
        "plm",
        int(rng.integers(4, 19)),
        rng.uniform(15.0, 40.0),
        log_uniform(rng, 0.7, 4.0),
        log_uniform(rng, 0.15, 0.9),
    )


def draw_hflm(rng: np.random.Generator, muscles: int) -> Event:
    """Draw high-frequency leg movements."""
    beat_hz = float(np.clip(rng.normal(1.6, 0.6), 0.4, 3.8))
    return Rhythm(
        "hflm",
        int(rng.integers(muscles)),
        max(float(np.clip(rng.lognormal(np.log(10.0), 1.0), 2.0, 120.0)), 4.5 / beat_hz),
        beat_hz,
        rng.uniform(0.15, 0.6),
        log_uniform(rng, 0.08, 0.6),
        rng.uniform(0.03, 0.15),
    )


def draw_foot_tremor(rng: np.random.Generator, muscles: int) -> Event:
    """Draw hypnagogic foot tremor."""
    return Rhythm(
        "foot_tremor",
        int(rng.integers(muscles)),
        rng.uniform(8.0, 40.0),
        rng.uniform(0.8, 2.5),
        0.45,
        log_uniform(rng, 0.06, 0.4),
    )


def draw_alma(rng: np.random.Generator, muscles: int) -> Event:
    """Draw alternating activation of two muscles; with one electrode pair the second is the deep neighbour."""
    beat_hz = rng.uniform(0.5, 3.0)
    leader = int(rng.integers(muscles))
    return Rhythm(
        "alma",
        leader,
        max(log_uniform(rng, 4.0, 30.0), 4.5 / beat_hz),
        beat_hz,
        min(rng.uniform(0.1, 0.5) * beat_hz, 0.6),
        log_uniform(rng, 0.08, 0.6),
        synergy=(0.0, 0.2),
        alternates_with=(leader + 1) % (muscles + 1),
    )


def draw_tremor(rng: np.random.Generator, muscles: int) -> Event:
    """Draw tremor or clonus."""
    label = weighted_choice(rng, {"tremor": 0.7, "clonus": 0.3})
    beat_hz = rng.uniform(5.0, 8.0) if label == "clonus" else rng.uniform(4.0, 12.0)
    return Rhythm(
        label, int(rng.integers(muscles)), log_uniform(rng, 3.0, 40.0), beat_hz, 0.6, log_uniform(rng, 0.08, 0.6), 0.05
    )


def draw_unit_train(rng: np.random.Generator, muscles: int) -> Event:
    """Draw one to three units that discharge regularly."""
    return UnitTrain(
        int(rng.integers(muscles)),
        log_uniform(rng, 6.0, 240.0),
        rng.uniform(6.0, 14.0),
        rng.uniform(0.035, 0.15),
        int(rng.integers(1, 4)),
    )


def draw_fasciculations(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a series of fasciculations."""
    return Fasciculations(int(rng.integers(muscles)), log_uniform(rng, 30.0, 600.0), log_uniform(rng, 2.0, 60.0))


def draw_myokymia(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a series of grouped discharges."""
    return Myokymia(
        int(rng.integers(muscles)),
        log_uniform(rng, 10.0, 90.0),
        log_uniform(rng, 0.6, 5.0),
        int(rng.integers(3, 9)),
        rng.uniform(12.0, 60.0),
    )


def draw_rem_twitches(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a series of phasic twitches."""
    rate = log_uniform(rng, 3.0, 30.0)
    return Bursts("rem_twitch", tuple(range(muscles)), log_uniform(rng, 20.0, 240.0), rate)


def draw_myoclonus(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a series of fragmentary myoclonus."""
    spell_s = log_uniform(rng, 30.0, 400.0)
    return Bursts("myoclonus", tuple(range(muscles)), spell_s, log_uniform(rng, 2.0, 8.0), (0.075, 0.15), (0.03, 0.2))


def draw_jerk(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a single jerk of all muscles."""
    least = log_uniform(rng, 0.05, 0.5)
    return Bursts("jerk", tuple(range(muscles)), burst_s=(0.05, 0.25), share=(least, 2 * least), all_muscles=True)


def draw_motion(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a motion artefact without muscle activity."""
    return MotionArtefact("motion", log_uniform(rng, 0.5, 40.0), log_uniform(rng, 30.0, 3000.0))


def draw_friction(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw fabric rubbing over the electrodes."""
    return MotionArtefact("friction", log_uniform(rng, 1.0, 40.0), log_uniform(rng, 5.0, 200.0))


def draw_cable_tug(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw some tugs at a cable."""
    return CableTug(log_uniform(rng, 100.0, 10_000.0), int(rng.integers(1, 6)))


def draw_mains_step(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a period of more mains hum."""
    return MainsStep(log_uniform(rng, 5.0, 1200.0), log_uniform(rng, 3.0, 150.0))


def draw_dimmer(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw the hum of a lamp on a dimmer, or of a switched charger."""
    return MainsStep(log_uniform(rng, 5.0, 600.0), log_uniform(rng, 2.0, 60.0), is_dimmed=True)


def draw_poor_contact(rng: np.random.Generator, muscles: int) -> Event:
    """Draw a period in which one electrode pair is noisier than before."""
    return PoorContact(
        int(rng.integers(muscles)),
        log_uniform(rng, 5.0, 900.0),
        log_uniform(rng, 1.0, 6.0),
        log_uniform(rng, 0.2, 20.0),
    )


def draw_heart_artefact(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a period of stronger ECG."""
    return HeartArtefact(log_uniform(rng, 20.0, 900.0), log_uniform(rng, 5.0, 80.0))


def draw_lead_off(rng: np.random.Generator, muscles: int) -> Event:
    """Draw an electrode that comes off."""
    modes: dict[Literal["rail", "open"], float] = {"rail": 0.5, "open": 0.5}
    mode = weighted_choice(rng, modes)
    is_sensed = bool(rng.uniform() < 0.7)
    return LeadOff(int(rng.integers(muscles)), log_uniform(rng, 2.0, 400.0), mode, int(rng.integers(0, 5)), is_sensed)


def draw_short_gap(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a short gap."""
    return Dropout(log_uniform(rng, 0.02, 1.5))


def draw_patchy_link(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a period in which single packets are lost."""
    return PatchyLink(log_uniform(rng, 5.0, 120.0), log_uniform(rng, 0.01, 0.15), rng.uniform(0.02, 0.12))


def draw_long_gap(rng: np.random.Generator, _muscles: int) -> Event:
    """Draw a gap of up to minutes."""
    return Dropout(log_uniform(rng, 1.5, 180.0))


# Events per hour in each stage of a realistic night. Leg movements: 36 % of healthy sleepers have more than 5 per hour
# (Frauscher 2014); high-frequency ones occur mostly awake (Yang & Winkelman 2010); the rest are orders of magnitude.
EVENTS: tuple[tuple[Stage, Draw, float], ...] = (
    (Stage.WAKE, draw_hold, 6.0),
    (Stage.WAKE, draw_slow_hold, 3.0),
    (Stage.WAKE, draw_toe_curls, 10.0),
    (Stage.WAKE, draw_repositioning, 12.0),
    (Stage.WAKE, draw_walking, 1.0),
    (Stage.WAKE, draw_hflm, 4.0),
    (Stage.WAKE, draw_tremor, 1.5),
    (Stage.WAKE, draw_unit_train, 4.0),
    (Stage.WAKE, draw_foot_tremor, 2.0),
    (Stage.WAKE, draw_leg_movement, 5.0),
    (Stage.LIGHT, draw_plm, 1.0),
    (Stage.LIGHT, draw_leg_movement, 4.0),
    (Stage.LIGHT, draw_repositioning, 2.0),
    (Stage.LIGHT, draw_foot_tremor, 0.7),
    (Stage.LIGHT, draw_hflm, 0.7),
    (Stage.LIGHT, draw_jerk, 3.0),
    (Stage.LIGHT, draw_myoclonus, 0.5),
    (Stage.LIGHT, draw_fasciculations, 0.6),
    (Stage.LIGHT, draw_myokymia, 0.2),
    (Stage.LIGHT, draw_unit_train, 0.6),
    (Stage.LIGHT, draw_slow_hold, 0.3),
    (Stage.DEEP, draw_repositioning, 0.7),
    (Stage.DEEP, draw_leg_movement, 1.0),
    (Stage.DEEP, draw_fasciculations, 0.4),
    (Stage.DEEP, draw_myoclonus, 0.5),
    (Stage.REM, draw_rem_twitches, 8.0),
    (Stage.REM, draw_repositioning, 2.0),
    (Stage.REM, draw_jerk, 4.0),
)
ARTEFACTS: tuple[tuple[Draw, float], ...] = (
    (draw_motion, 1.0),
    (draw_friction, 0.8),
    (draw_cable_tug, 0.5),
    (draw_mains_step, 0.4),
    (draw_heart_artefact, 0.15),
    (draw_short_gap, 0.4),
)
"""Events per hour that occur regardless of everything else, even in the middle of a cramp."""
FAULTS: tuple[tuple[Draw, float], ...] = ((draw_lead_off, 0.15), (draw_long_gap, 0.1))
"""Events per hour that hide the muscle altogether: nothing else is placed there, since nobody could find it."""

# Orders of magnitude: nobody has counted these in people. Only the hardest night has them.
HARD_EVENTS: tuple[tuple[Stage, Draw, float], ...] = (
    (Stage.WAKE, draw_raised_tone, 3.0),
    (Stage.WAKE, draw_alma, 1.0),
    (Stage.LIGHT, draw_raised_tone, 0.7),
    (Stage.LIGHT, draw_alma, 0.7),
    (Stage.REM, draw_alma, 0.5),
)
HARD_ARTEFACTS: tuple[tuple[Draw, float], ...] = ((draw_poor_contact, 0.5), (draw_dimmer, 0.2), (draw_patchy_link, 0.3))
"""Added to `EVENTS` and `ARTEFACTS`."""
