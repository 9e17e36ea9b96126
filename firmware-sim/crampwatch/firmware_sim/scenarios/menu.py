"""What can happen in a night: how each event is drawn, and how often it comes in which stage."""

from collections.abc import Callable
from enum import StrEnum
from typing import Literal

import numpy as np
from crampwatch.firmware_sim.physiology.chance import log_uniform, pick
from crampwatch.firmware_sim.physiology.electrode import (
    CableTug,
    Dropout,
    HeartBleed,
    LeadOff,
    MainsStep,
    Nudge,
    PatchyLink,
    PoorContact,
)
from crampwatch.firmware_sim.physiology.gait import Walking
from crampwatch.firmware_sim.physiology.generator import Generator
from crampwatch.firmware_sim.physiology.movement import Hold, LegMovements, RaisedTone, Repositioning, ToeCurls
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
    "alma",
    "bleed",
    "dimmer",
    "fasciculations",
    "foot_tremor",
    "friction",
    "gap",
    "hflm",
    "hold",
    "jerk",
    "lead_off",
    "leg_movement",
    "mains_step",
    "motion",
    "myoclonus",
    "myokymia",
    "patchy_link",
    "plm",
    "poor_contact",
    "raised_tone",
    "rem_twitches",
    "repositioning",
    "silence",
    "slow_hold",
    "toe_curls",
    "tremor",
    "tug",
    "unit_train",
    "walking",
]

Draw = Callable[[np.random.Generator, int], Generator]
"""Draws an event for a wearer with this many muscles under electrodes."""


class Stage(StrEnum):
    """A stage of the night."""

    WAKE = "wake"
    LIGHT = "light"
    DEEP = "deep"
    REM = "rem"


def hold(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a voluntary hold of up to a minute."""
    return Hold(
        int(rng.integers(muscles)),
        log_uniform(rng, 3.0, 60.0),
        log_uniform(rng, 0.05, 0.6),
        rise_s=log_uniform(rng, 0.12, 1.2),
        synergy=(0.0, 0.25) if rng.uniform() < 0.25 else (0.3, 1.0),
        unsteadiness=log_uniform(rng, 0.03, 0.3),
    )


def slow_hold(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a hold that comes and goes slowly: the likest to a cramp."""
    return Hold(
        int(rng.integers(muscles)),
        log_uniform(rng, 8.0, 60.0),
        log_uniform(rng, 0.05, 0.5),
        rise_s=rng.uniform(1.5, 6.0),
        label="slow_hold",
        synergy=(0.1, 0.9),
        unsteadiness=log_uniform(rng, 0.03, 0.3),
    )


def raised_tone(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw minutes in which the foot is not quite relaxed."""
    return RaisedTone(
        int(rng.integers(muscles)),
        log_uniform(rng, 20.0, 400.0),
        log_uniform(rng, 0.01, 0.06),
        log_uniform(rng, 1.0, 15.0),
    )


def toe_curls(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a few toe curls."""
    return ToeCurls(
        int(rng.integers(muscles)), int(rng.integers(1, 7)), log_uniform(rng, 0.1, 0.7), rng.uniform(0.5, 3.0)
    )


def repositioning(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a turn in bed."""
    return Repositioning(log_uniform(rng, 3.0, 45.0), log_uniform(rng, 0.1, 0.7), log_uniform(rng, 60.0, 3000.0))


def walking(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a walk to the bathroom and back."""
    pause_s = rng.uniform(20.0, 90.0)
    return Walking(
        pause_s + rng.uniform(20.0, 90.0),
        pause_s,
        rng.uniform(0.95, 1.4),
        log_uniform(rng, 0.2, 0.8),
        log_uniform(rng, 80.0, 1500.0),
    )


def leg_movement(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a lone leg movement."""
    return LegMovements("leg_movement", length_s=log_uniform(rng, 0.6, 6.0), effort=log_uniform(rng, 0.15, 0.9))


def plm(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a series of periodic leg movements."""
    return LegMovements(
        "plm",
        int(rng.integers(4, 19)),
        rng.uniform(15.0, 40.0),
        log_uniform(rng, 0.7, 4.0),
        log_uniform(rng, 0.15, 0.9),
    )


def hflm(rng: np.random.Generator, muscles: int) -> Generator:
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


def foot_tremor(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw hypnagogic foot tremor."""
    return Rhythm(
        "foot_tremor",
        int(rng.integers(muscles)),
        rng.uniform(8.0, 40.0),
        rng.uniform(0.8, 2.5),
        0.45,
        log_uniform(rng, 0.06, 0.4),
    )


def alma(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw alternating activation of two muscles; with a single pair the other is the deep neighbour."""
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
        answers=(leader + 1) % (muscles + 1),
    )


def tremor(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw tremor or clonus."""
    label = pick(rng, {"tremor": 0.7, "clonus": 0.3})
    beat_hz = rng.uniform(5.0, 8.0) if label == "clonus" else rng.uniform(4.0, 12.0)
    return Rhythm(
        label, int(rng.integers(muscles)), log_uniform(rng, 3.0, 40.0), beat_hz, 0.6, log_uniform(rng, 0.08, 0.6), 0.05
    )


def unit_train(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw one to three units that run on."""
    return UnitTrain(
        int(rng.integers(muscles)),
        log_uniform(rng, 6.0, 240.0),
        rng.uniform(6.0, 14.0),
        rng.uniform(0.035, 0.15),
        int(rng.integers(1, 4)),
    )


def fasciculations(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a spell of fasciculations."""
    return Fasciculations(int(rng.integers(muscles)), log_uniform(rng, 30.0, 600.0), log_uniform(rng, 2.0, 60.0))


def myokymia(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a spell of grouped discharges."""
    return Myokymia(
        int(rng.integers(muscles)),
        log_uniform(rng, 10.0, 90.0),
        log_uniform(rng, 0.6, 5.0),
        int(rng.integers(3, 9)),
        rng.uniform(12.0, 60.0),
    )


def rem_twitches(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a spell of phasic twitches."""
    rate = log_uniform(rng, 3.0, 30.0)
    return Bursts("rem_twitch", tuple(range(muscles)), log_uniform(rng, 20.0, 240.0), rate)


def myoclonus(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a spell of fragmentary myoclonus."""
    spell_s = log_uniform(rng, 30.0, 400.0)
    return Bursts("myoclonus", tuple(range(muscles)), spell_s, log_uniform(rng, 2.0, 8.0), (0.075, 0.15), (0.03, 0.2))


def jerk(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a single jerk of all muscles."""
    least = log_uniform(rng, 0.05, 0.5)
    return Bursts("jerk", tuple(range(muscles)), burst_s=(0.05, 0.25), share=(least, 2 * least), together=True)


def motion(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a motion artefact without muscle."""
    return Nudge("motion", log_uniform(rng, 0.5, 40.0), log_uniform(rng, 30.0, 3000.0))


def friction(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw fabric rubbing over the electrodes."""
    return Nudge("friction", log_uniform(rng, 1.0, 40.0), log_uniform(rng, 5.0, 200.0))


def tug(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw tugs at a cable."""
    return CableTug(log_uniform(rng, 100.0, 10_000.0), int(rng.integers(1, 6)))


def mains_step(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a stretch of more hum."""
    return MainsStep(log_uniform(rng, 5.0, 1200.0), log_uniform(rng, 3.0, 150.0))


def dimmer(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a lamp on a dimmer, or a switched charger."""
    return MainsStep(log_uniform(rng, 5.0, 600.0), log_uniform(rng, 2.0, 60.0), dimmed=True)


def poor_contact(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw a stretch in which one pair is noisier than before."""
    return PoorContact(
        int(rng.integers(muscles)),
        log_uniform(rng, 5.0, 900.0),
        log_uniform(rng, 1.0, 6.0),
        log_uniform(rng, 0.2, 20.0),
    )


def bleed(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a stretch of clearer heart."""
    return HeartBleed(log_uniform(rng, 20.0, 900.0), log_uniform(rng, 5.0, 80.0))


def lead_off(rng: np.random.Generator, muscles: int) -> Generator:
    """Draw an electrode coming off."""
    modes: dict[Literal["rail", "open"], float] = {"rail": 0.5, "open": 0.5}
    mode = pick(rng, modes)
    sensed = bool(rng.uniform() < 0.7)
    return LeadOff(int(rng.integers(muscles)), log_uniform(rng, 2.0, 400.0), mode, int(rng.integers(0, 5)), sensed)


def gap(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a short gap."""
    return Dropout(log_uniform(rng, 0.02, 1.5))


def patchy_link(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a stretch in which packets get lost one by one."""
    return PatchyLink(log_uniform(rng, 5.0, 120.0), log_uniform(rng, 0.01, 0.15), rng.uniform(0.02, 0.12))


def silence(rng: np.random.Generator, _muscles: int) -> Generator:
    """Draw a gap of up to minutes."""
    return Dropout(log_uniform(rng, 1.5, 180.0))


# Events an hour in each stage of a near-life night. Leg movements: 36 % of healthy sleepers have more than 5 an hour
# (Frauscher 2014); high-frequency ones mostly awake (Yang & Winkelman 2010); the rest are orders of magnitude.
EVENTS: tuple[tuple[Stage, Draw, float], ...] = (
    (Stage.WAKE, hold, 6.0),
    (Stage.WAKE, slow_hold, 3.0),
    (Stage.WAKE, toe_curls, 10.0),
    (Stage.WAKE, repositioning, 12.0),
    (Stage.WAKE, walking, 1.0),
    (Stage.WAKE, hflm, 4.0),
    (Stage.WAKE, tremor, 1.5),
    (Stage.WAKE, unit_train, 4.0),
    (Stage.WAKE, foot_tremor, 2.0),
    (Stage.WAKE, leg_movement, 5.0),
    (Stage.LIGHT, plm, 1.0),
    (Stage.LIGHT, leg_movement, 4.0),
    (Stage.LIGHT, repositioning, 2.0),
    (Stage.LIGHT, foot_tremor, 0.7),
    (Stage.LIGHT, hflm, 0.7),
    (Stage.LIGHT, jerk, 3.0),
    (Stage.LIGHT, myoclonus, 0.5),
    (Stage.LIGHT, fasciculations, 0.6),
    (Stage.LIGHT, myokymia, 0.2),
    (Stage.LIGHT, unit_train, 0.6),
    (Stage.LIGHT, slow_hold, 0.3),
    (Stage.DEEP, repositioning, 0.7),
    (Stage.DEEP, leg_movement, 1.0),
    (Stage.DEEP, fasciculations, 0.4),
    (Stage.DEEP, myoclonus, 0.5),
    (Stage.REM, rem_twitches, 8.0),
    (Stage.REM, repositioning, 2.0),
    (Stage.REM, jerk, 4.0),
)
ARTEFACTS: tuple[tuple[Draw, float], ...] = (
    (motion, 1.0),
    (friction, 0.8),
    (tug, 0.5),
    (mains_step, 0.4),
    (bleed, 0.15),
    (gap, 0.4),
)
"""Events an hour that come whatever else happens, even in the middle of a cramp."""
FAULTS: tuple[tuple[Draw, float], ...] = ((lead_off, 0.15), (silence, 0.1))
"""Events an hour that hide the muscle altogether: nothing else is placed there, since nobody could find it."""

# Orders of magnitude: nobody counted these in people. Only the hardest night has them.
HARD_EVENTS: tuple[tuple[Stage, Draw, float], ...] = (
    (Stage.WAKE, raised_tone, 3.0),
    (Stage.WAKE, alma, 1.0),
    (Stage.LIGHT, raised_tone, 0.7),
    (Stage.LIGHT, alma, 0.7),
    (Stage.REM, alma, 0.5),
)
HARD_ARTEFACTS: tuple[tuple[Draw, float], ...] = ((poor_contact, 0.5), (dimmer, 0.2), (patchy_link, 0.3))
"""As `EVENTS` and `ARTEFACTS`, added to them."""
