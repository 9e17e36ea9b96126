"""Planning whole nights: sleep cycles, what happens in which stage, and the skin temperature of a foot in bed.

Cramps are placed first, since they must fit, then faults, then the events of each sleep stage at random free times, and
last the artefacts, which may coincide with anything. The order matters: whatever comes later gives way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from crampwatch.firmware_sim.physiology.cramp import Cramp, draw_cramp
from crampwatch.firmware_sim.physiology.electrode import MotionArtefact
from crampwatch.firmware_sim.physiology.movement import Repositioning
from crampwatch.firmware_sim.physiology.randomness import log_uniform
from crampwatch.firmware_sim.physiology.skin import SkinTemperature
from crampwatch.firmware_sim.physiology.wearer import Traits
from crampwatch.firmware_sim.scenarios.draws import (
    ARTEFACTS,
    EVENTS,
    FAULTS,
    HARD_ARTEFACTS,
    HARD_EVENTS,
    Draw,
    Stage,
)
from crampwatch.firmware_sim.scenarios.schedule import Plan

__all__ = ["NightOptions", "hard_traits", "night_planner", "night_traits", "sleep_stages"]

_RELAPSES = 0.12
"""Share of cramps that recur within a minute."""


@dataclass(frozen=True, slots=True)
class NightOptions:
    """How much happens in a night.

    Attributes:
        cramps: Fewest and most cramps in 8 h.
        density: Factor of the rates of all other events.
        plateau_uv: Strength of the weakest and of the strongest cramp.
        handled_share: Share of cramps during which the wearer rubs or stretches the foot.
        wakefulness: Factor of the time awake.
        is_hard: Whether to add the events that only the hardest night has.
    """

    cramps: tuple[int, int] = (1, 3)
    density: float = 1.0
    plateau_uv: tuple[float, float] = (30.0, 100.0)
    handled_share: float = 0.4
    wakefulness: float = 1.0
    is_hard: bool = False


def sleep_stages(
    rng: np.random.Generator, length_s: float, *, wakefulness: float = 1.0
) -> list[tuple[float, float, Stage]]:
    """Return start, end and stage of every period: awake, then cycles of some 90 min with ever more REM.

    Args:
        rng: Source of the durations.
        length_s: Time to fill.
        wakefulness: Factor of the time awake.
    """
    stretches: list[tuple[float, float, Stage]] = []
    t_s = 0.0

    def lasts(minutes: float, stage: Stage) -> None:
        nonlocal t_s
        if t_s < length_s:
            stretches.append((t_s, min(t_s + 60 * minutes, length_s), stage))
            t_s += 60 * minutes

    lasts(wakefulness * rng.uniform(5.0, 25.0), Stage.WAKE)
    cycle = 0
    while t_s < length_s:
        lasts(rng.uniform(12.0, 30.0), Stage.LIGHT)
        # Deep sleep becomes shorter and REM longer from cycle to cycle.
        lasts(rng.uniform(15.0, 40.0) / (1 + cycle), Stage.DEEP)
        lasts(rng.uniform(12.0, 30.0), Stage.LIGHT)
        lasts(rng.uniform(4.0, 12.0) * (1 + cycle), Stage.REM)
        lasts(wakefulness * rng.uniform(0.5, 6.0), Stage.WAKE)
        cycle += 1
    return stretches


def night_planner(life: NightOptions) -> Callable[[np.random.Generator, Plan], None]:
    """Return a planner for such nights."""

    def fill(rng: np.random.Generator, plan: Plan) -> None:
        stages = sleep_stages(rng, plan.length_s, wakefulness=life.wakefulness)
        _place_cramps(rng, plan, life)
        for draw, per_hour in FAULTS:
            _place_randomly(rng, plan, draw, (0.0, plan.length_s), per_hour * life.density)
        # A person has habits: some things happen often in a night and others never.
        events = (*EVENTS, *HARD_EVENTS) if life.is_hard else EVENTS
        habits = {draw: rng.lognormal(-0.3, 0.8) for _, draw, _ in events}
        for start_s, stop_s, stage in stages:
            for stage_of, draw, per_hour in events:
                if stage_of == stage:
                    rate = per_hour * life.density * habits[draw]
                    _place_randomly(rng, plan, draw, (start_s, stop_s), rate)
        for draw, per_hour in (*ARTEFACTS, *HARD_ARTEFACTS) if life.is_hard else ARTEFACTS:
            _overlay_randomly(rng, plan, draw, per_hour * life.density)

    return fill


def night_traits(rng: np.random.Generator, length_s: float) -> Traits:
    """Draw the traits for a realistic night: a foot that warms in bed, ordinary electrodes."""
    return Traits(skin=_draw_warming_skin(rng, length_s), sweat=_draw_sweat(rng, length_s, spells=1))


def hard_traits(rng: np.random.Generator, length_s: float) -> Traits:
    """Draw the traits for a hard night: cold foot, noisy drying electrodes, hum, ECG, coarse and narrow converter."""
    cold = SkinTemperature(0, rng.uniform(21.0, 25.0), rng.uniform(21.0, 27.0), 3000.0, wander_c=0.8)
    return Traits(
        floor_uv=(0.6, 6.0),
        drift_uv=(5.0, 60.0),
        full_rms_uv=(70.0, 400.0),
        mains_uv=(0.5, 25.0),
        heart_uv=(0.1, 12.0),
        drying=(0.8, 2.0),
        lsb_uv=float(rng.choice([0.12, 0.25, 0.75, 1.5, 2.747])),
        rail_uv=log_uniform(rng, 1000.0, 8000.0),
        skin=cold if rng.uniform() < 0.6 else _draw_warming_skin(rng, length_s),
        sweat=_draw_sweat(rng, length_s, spells=3),
        bridging=0.6,
    )


def _draw_warming_skin(rng: np.random.Generator, length_s: float) -> SkinTemperature:
    excursions = tuple(
        (float(rng.uniform(0.0, length_s)), 60 * float(rng.uniform(5.0, 30.0)), float(rng.uniform(1.0, 5.0)))
        for _ in range(int(rng.poisson(min(length_s, 1e6) / 14_400.0)))
    )
    return SkinTemperature(
        0,
        start_c=rng.uniform(26.0, 31.0),
        settled_c=rng.uniform(33.0, 35.0),
        warm_time_s=rng.uniform(900.0, 2400.0),
        excursions=excursions,
    )


def _draw_sweat(rng: np.random.Generator, length_s: float, spells: int) -> tuple[tuple[int, float, float, float], ...]:
    return tuple(
        (
            int(rng.integers(2)),
            float(rng.uniform(0.0, length_s)),
            60 * float(rng.uniform(8.0, 40.0)),
            float(rng.uniform(0.3, 0.8)),
        )
        for _ in range(int(rng.poisson(spells)))
    )


def _place_cramps(rng: np.random.Generator, plan: Plan, life: NightOptions) -> None:
    share = plan.length_s / 28_800.0
    count = round(rng.integers(life.cramps[0], life.cramps[1] + 1) * share + rng.uniform(-0.3, 0.3))
    for _ in range(max(count, 1 if life.cramps[0] else 0)):
        cramp = draw_cramp(rng, plan.channels, plateau_uv=life.plateau_uv)
        onset_s = plan.place(rng, cramp, window_s=(60.0, plan.length_s), apart_s=60.0)
        if onset_s is not None:
            _add_consequences(rng, plan, cramp, onset_s, life)


def _add_consequences(rng: np.random.Generator, plan: Plan, cramp: Cramp, onset_s: float, life: NightOptions) -> None:
    """Add what may follow a cramp: the wearer handles the foot, or the cramp recurs within a minute."""
    if rng.uniform() < life.handled_share:
        _add_handling(rng, plan, cramp, onset_s)
    # A relapse is shorter, follows within a minute, and comes without warning.
    relapse_s = onset_s + cramp.duration_s + rng.uniform(8.0, 50.0)
    relapse = replace(cramp, duration_s=rng.uniform(8.0, 30.0), heralds=0, after_twitches=0, spreads_to=None)
    if rng.uniform() < _RELAPSES and relapse_s + relapse.extent_s < plan.length_s:
        plan.add(relapse_s, relapse)


def _add_handling(rng: np.random.Generator, plan: Plan, cramp: Cramp, onset_s: float) -> None:
    """Add a wearer who wakes up and rubs the foot during the cramp, or ends the cramp by stretching it."""
    woken_s = onset_s + rng.uniform(0.3, 0.8) * cramp.duration_s
    if cramp.ending == "stretch":
        stretch = Repositioning(rng.uniform(3.0, 8.0), rng.uniform(0.1, 0.4), log_uniform(rng, 80.0, 900.0), "stretch")
        plan.add(onset_s + cramp.duration_s - rng.uniform(0.5, 2.0), stretch, is_exclusive=False)
    else:
        rubs = rng.uniform() < 0.5
        plan.add(
            woken_s,
            MotionArtefact("friction" if rubs else "motion", rng.uniform(3.0, 15.0), log_uniform(rng, 20.0, 250.0)),
            is_exclusive=False,
        )


def _place_randomly(
    rng: np.random.Generator, plan: Plan, draw: Draw, window_s: tuple[float, float], per_hour: float
) -> None:
    """Place a random number of events in a window; those that do not fit are left out."""
    for _ in range(int(rng.poisson(per_hour * (window_s[1] - window_s[0]) / 3600.0))):
        plan.place(rng, draw(rng, plan.channels), window_s=window_s, apart_s=2.0)


def _overlay_randomly(rng: np.random.Generator, plan: Plan, draw: Draw, per_hour: float) -> None:
    """Add a random number of events at random times, regardless of everything else."""
    for _ in range(int(rng.poisson(per_hour * plan.length_s / 3600.0))):
        event = draw(rng, plan.channels)
        room_s = plan.length_s - event.extent_s - event.lead_s
        if room_s > 0:
            plan.add(event.lead_s + float(rng.uniform(0.0, room_s)), event, is_exclusive=False)
