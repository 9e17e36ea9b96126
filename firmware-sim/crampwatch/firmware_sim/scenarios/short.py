"""Planners of short scenarios that show one thing each, and of a dense examination."""

from dataclasses import replace

import numpy as np
from crampwatch.firmware_sim.physiology.cramp import draw_cramp
from crampwatch.firmware_sim.physiology.cramp_course import Onset
from crampwatch.firmware_sim.physiology.event import Event
from crampwatch.firmware_sim.physiology.randomness import log_uniform, weighted_choice
from crampwatch.firmware_sim.physiology.twitch import Bursts, Fasciculations, Myokymia
from crampwatch.firmware_sim.scenarios import draws
from crampwatch.firmware_sim.scenarios.schedule import Plan

__all__ = ["plan_demo", "plan_exam", "plan_quiet", "plan_restless", "plan_twitches", "plan_walking"]

_CLEAR_ONSETS: dict[Onset, float] = {"sputter": 0.7, "ramp": 0.3}


def plan_quiet(rng: np.random.Generator, plan: Plan) -> None:
    """Leave the plan empty: nothing but background."""


def plan_demo(rng: np.random.Generator, plan: Plan) -> None:
    """Plan twitches, then a clear cramp between 15 and 30 s, then twitches again."""
    onset_s = float(rng.uniform(17.0, 26.0))
    cramp = replace(
        draw_cramp(rng, plan.channels, plateau_uv=(55.0, 110.0), longest_s=75.0),
        onset=weighted_choice(rng, _CLEAR_ONSETS),
        heralds=0,
        after_twitches=4,
        flutter_per_min=0.0,
    )
    plan.add(2.0, Fasciculations(cramp.muscle, onset_s - 5.0, 30.0, least_uv=25.0))
    plan.add(onset_s, cramp)
    for _ in range(4):
        jerk = Bursts("jerk", tuple(range(plan.channels)), burst_s=(0.08, 0.25))
        plan.place(rng, jerk, window_s=(onset_s + cramp.extent_s, plan.length_s))


def plan_exam(rng: np.random.Generator, plan: Plan) -> None:
    """Plan a cramp every three minutes, and twice as many look-alikes of every kind."""
    for start_s in np.arange(0.0, plan.length_s, 180.0):
        cramp = draw_cramp(rng, plan.channels, plateau_uv=(20.0, 110.0), longest_s=60.0)
        plan.place(rng, cramp, window_s=(start_s, start_s + 180.0))
    look_alikes = [draw for _, draw, _ in (*draws.EVENTS, *draws.HARD_EVENTS) if draw is not draws.draw_walking]
    for place in rng.permutation(4 * int(plan.length_s / 180.0)).tolist():
        event = look_alikes[place % len(look_alikes)](rng, plan.channels)
        plan.place(rng, event, window_s=(0.0, plan.length_s), apart_s=2.0)
    for draw in (
        draws.draw_motion,
        draws.draw_friction,
        draws.draw_cable_tug,
        draws.draw_mains_step,
        draws.draw_poor_contact,
        draws.draw_short_gap,
        draws.draw_patchy_link,
    ):
        disturbance = draw(rng, plan.channels)
        room_s = plan.length_s - disturbance.extent_s
        if room_s > 0:
            plan.add(float(rng.uniform(0.0, room_s)), disturbance, is_exclusive=False)


def plan_twitches(rng: np.random.Generator, plan: Plan) -> None:
    """Plan series of fasciculations, bursts of several units and myokymia."""
    for start_s in np.arange(0.0, plan.length_s - 60.0, 75.0):
        window_s = (float(start_s), float(start_s) + 75.0)
        plan.place(rng, _draw_twitching(rng, plan.channels), window_s=window_s, apart_s=1.0)


def _draw_twitching(rng: np.random.Generator, channels: int) -> Event:
    muscle = int(rng.integers(channels))
    drawn = rng.uniform()
    if drawn < 0.2:
        return Myokymia(muscle, 40.0, every_s=rng.uniform(0.8, 4.0), within_hz=rng.uniform(15.0, 50.0))
    if drawn < 0.6:
        rate = log_uniform(rng, 3.0, 25.0)
        return Bursts("rem_twitch", tuple(range(channels)), duration_s=55.0, per_minute=rate)
    return Fasciculations(muscle, 55.0, log_uniform(rng, 4.0, 60.0))


def plan_restless(rng: np.random.Generator, plan: Plan) -> None:
    """Plan movements of every kind and no cramp."""
    look_alikes = [
        draws.draw_hold,
        draws.draw_slow_hold,
        draws.draw_toe_curls,
        draws.draw_repositioning,
        draws.draw_leg_movement,
        draws.draw_hflm,
        draws.draw_tremor,
        draws.draw_foot_tremor,
        draws.draw_jerk,
        draws.draw_motion,
        draws.draw_friction,
        draws.draw_cable_tug,
    ]
    for _ in range(int(plan.length_s / 40.0)):
        draw = look_alikes[int(rng.integers(len(look_alikes)))]
        plan.place(rng, draw(rng, plan.channels), window_s=(0.0, plan.length_s), apart_s=2.0)


def plan_walking(rng: np.random.Generator, plan: Plan) -> None:
    """Plan getting up, walking and coming back."""
    for start_s in np.arange(0.0, plan.length_s, 300.0):
        plan.place(rng, draws.draw_repositioning(rng, plan.channels), window_s=(start_s, start_s + 80.0), apart_s=1.0)
        plan.place(rng, draws.draw_walking(rng, plan.channels), window_s=(start_s + 80.0, start_s + 300.0), apart_s=1.0)
