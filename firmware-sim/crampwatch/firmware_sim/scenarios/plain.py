"""Short scenarios that show one thing each."""

from dataclasses import replace

import numpy as np
from crampwatch.firmware_sim.physiology.chance import log_uniform, pick
from crampwatch.firmware_sim.physiology.cramp import draw_cramp
from crampwatch.firmware_sim.physiology.cramp_course import Onset
from crampwatch.firmware_sim.physiology.generator import Generator
from crampwatch.firmware_sim.physiology.twitch import Bursts, Fasciculations, Myokymia
from crampwatch.firmware_sim.scenarios import menu
from crampwatch.firmware_sim.scenarios.schedule import Plan

__all__ = ["demo", "exam", "quiet", "restless", "twitches", "walking"]

_CLEAR_ONSETS: dict[Onset, float] = {"sputter": 0.7, "ramp": 0.3}


def quiet(rng: np.random.Generator, plan: Plan) -> None:
    """Leave the plan empty: nothing but background."""


def demo(rng: np.random.Generator, plan: Plan) -> None:
    """Twitches, then a clear cramp between 15 and 30 s, then twitches again; every cycle differs."""
    onset_s = float(rng.uniform(17.0, 26.0))
    cramp = replace(
        draw_cramp(rng, plan.channels, plateau_uv=(55.0, 110.0), longest_s=75.0),
        onset=pick(rng, _CLEAR_ONSETS),
        heralds=0,
        after_twitches=4,
        flutter_per_min=0.0,
    )
    plan.add(2.0, Fasciculations(cramp.muscle, onset_s - 5.0, 30.0, least_uv=25.0))
    plan.add(onset_s, cramp)
    for _ in range(4):
        jerk = Bursts("jerk", tuple(range(plan.channels)), burst_s=(0.08, 0.25))
        plan.place(rng, jerk, window_s=(onset_s + cramp.extent_s, plan.length_s))


def exam(rng: np.random.Generator, plan: Plan) -> None:
    """Fill the plan with a cramp every three minutes, and twice as many look-alikes of every kind."""
    for start_s in np.arange(0.0, plan.length_s, 180.0):
        cramp = draw_cramp(rng, plan.channels, plateau_uv=(20.0, 110.0), longest_s=60.0)
        plan.place(rng, cramp, window_s=(start_s, start_s + 180.0))
    draws = [draw for _, draw, _ in (*menu.EVENTS, *menu.HARD_EVENTS) if draw is not menu.walking]
    for place in rng.permutation(4 * int(plan.length_s / 180.0)).tolist():
        plan.place(rng, draws[place % len(draws)](rng, plan.channels), window_s=(0.0, plan.length_s), apart_s=2.0)
    for draw in (menu.motion, menu.friction, menu.tug, menu.mains_step, menu.poor_contact, menu.gap, menu.patchy_link):
        disturbance = draw(rng, plan.channels)
        room_s = plan.length_s - disturbance.extent_s
        if room_s > 0:
            plan.add(float(rng.uniform(0.0, room_s)), disturbance, alone=False)


def twitches(rng: np.random.Generator, plan: Plan) -> None:
    """Fill the plan with spells of fasciculations, bursts of several units and myokymia."""
    for start_s in np.arange(0.0, plan.length_s - 60.0, 75.0):
        window_s = (float(start_s), float(start_s) + 75.0)
        plan.place(rng, _twitching(rng, plan.channels), window_s=window_s, apart_s=1.0)


def _twitching(rng: np.random.Generator, channels: int) -> Generator:
    muscle = int(rng.integers(channels))
    drawn = rng.uniform()
    if drawn < 0.2:
        return Myokymia(muscle, 40.0, every_s=rng.uniform(0.8, 4.0), within_hz=rng.uniform(15.0, 50.0))
    if drawn < 0.6:
        rate = log_uniform(rng, 3.0, 25.0)
        return Bursts("rem_twitch", tuple(range(channels)), duration_s=55.0, per_minute=rate)
    return Fasciculations(muscle, 55.0, log_uniform(rng, 4.0, 60.0))


def restless(rng: np.random.Generator, plan: Plan) -> None:
    """Fill the plan with movements of every kind and no cramp."""
    draws = [menu.hold, menu.slow_hold, menu.toe_curls, menu.repositioning, menu.leg_movement, menu.hflm, menu.tremor]
    draws += [menu.foot_tremor, menu.jerk, menu.motion, menu.friction, menu.tug]
    for _ in range(int(plan.length_s / 40.0)):
        draw = draws[int(rng.integers(len(draws)))]
        plan.place(rng, draw(rng, plan.channels), window_s=(0.0, plan.length_s), apart_s=2.0)


def walking(rng: np.random.Generator, plan: Plan) -> None:
    """Fill the plan with getting up, walking and coming back."""
    for start_s in np.arange(0.0, plan.length_s, 300.0):
        plan.place(rng, menu.repositioning(rng, plan.channels), window_s=(start_s, start_s + 80.0), apart_s=1.0)
        plan.place(rng, menu.walking(rng, plan.channels), window_s=(start_s + 80.0, start_s + 300.0), apart_s=1.0)
