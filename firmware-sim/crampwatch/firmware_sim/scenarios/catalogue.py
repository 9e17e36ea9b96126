"""The table of scenarios. A scenario is a range of wearers and a planner that decides what happens when."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from crampwatch.firmware_sim.physiology.randomness import rng_for
from crampwatch.firmware_sim.physiology.wearer import MUSCLES, Traits, Wearer, draw_wearer
from crampwatch.firmware_sim.scenarios import calibration, short
from crampwatch.firmware_sim.scenarios.night import NightOptions, hard_traits, night_planner, night_traits
from crampwatch.firmware_sim.scenarios.schedule import FiniteSchedule, Planner, RepeatingSchedule, Schedule
from crampwatch.firmware_sim.scenarios.simulation import Simulation
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["Scenario", "calibration_before", "scenario", "scenario_names"]

_LONGEST_H = 72.0
"""Planning takes time and memory in proportion."""
_RATES_HZ = (100.0, 4000.0)
"""Surface EMG needs at least some 100 Hz; potentials are computed in steps of an eighth of a millisecond."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        description: One line for a list.
        planner: Plans one cycle, or the whole recording.
        cycle_s: Duration of a cycle; an endless number of cycles follow one another, each planned differently. None if
            the planner plans the whole recording at once.
        hours: Default duration; None for an endless signal.
        traits: Draws the range of wearers from a random generator and the duration in s.
    """

    description: str
    planner: Planner
    cycle_s: float | None = None
    hours: float | None = None
    traits: Callable[[np.random.Generator, float], Traits] = lambda _rng, _length_s: Traits()


_SCENARIOS: dict[str, Scenario] = {
    "quiet": Scenario("A foot at rest: background only, endless.", short.plan_quiet, cycle_s=600.0),
    "cramp": Scenario(
        "A demonstration: twitches, a clear cramp after 15 to 30 s, and again every three minutes, endless.",
        short.plan_demo,
        cycle_s=180.0,
    ),
    "twitches": Scenario(
        "Fasciculations, phasic bursts and myokymia, no cramp, endless.", short.plan_twitches, cycle_s=600.0
    ),
    "restless": Scenario(
        "Holds, toe curls, leg movements, tremor, turning over and artefacts, no cramp, endless.",
        short.plan_restless,
        cycle_s=1200.0,
    ),
    "walking": Scenario(
        "Getting up, walking, standing and coming back, no cramp, endless.", short.plan_walking, cycle_s=300.0
    ),
    "calibration": Scenario(
        "The calibration exercise: rest, three toe curls, a moving ankle; 75 s.",
        calibration.plan_calibration,
        hours=calibration.LENGTH_S / 3600.0,
    ),
    "exam": Scenario(
        "Half an hour with ten cramps among twice as many look-alikes: denser than any night, for quick checks.",
        short.plan_exam,
        hours=0.5,
        traits=night_traits,
    ),
    "night": Scenario(
        "A realistic night of 8 h: sleep cycles, one to three cramps, many look-alikes, a foot that warms in bed.",
        night_planner(NightOptions()),
        hours=8.0,
        traits=night_traits,
    ),
    "night-calm": Scenario(
        "A realistic night of 8 h without any cramp: every cramp found in it is a false alarm.",
        night_planner(NightOptions(cramps=(0, 0))),
        hours=8.0,
        traits=night_traits,
    ),
    "night-hard": Scenario(
        "The hardest night of 8 h: dense, weak cramps, every confounder, cold foot, poor electrodes, coarse converter.",
        night_planner(
            NightOptions(
                cramps=(8, 14),
                density=3.0,
                plateau_uv=(14.0, 120.0),
                handled_share=0.6,
                wakefulness=2.5,
                is_hard=True,
            )
        ),
        hours=8.0,
        traits=hard_traits,
    ),
}


def scenario_names() -> dict[str, str]:
    """Return the name and the one-line description of every scenario."""
    return {name: entry.description for name, entry in _SCENARIOS.items()}


def scenario(
    name: str, *, seed: int, hours: float | None = None, channels: int = 2, rate_hz: float = 1000.0
) -> SignalSource:
    """Return a simulated recording; the same arguments always give the same samples.

    Args:
        name: One of `scenario_names`.
        seed: Not negative; determines the wearer and everything that happens.
        hours: Duration; None for the default of the scenario, which may be endless.
        channels: Electrode pairs, 1 to 4.
        rate_hz: Samples per second, 100 to 4000.

    Raises:
        ConfigurationError: One of these is out of range.
    """
    _check(name, seed=seed, hours=hours, channels=channels, rate_hz=rate_hz)
    chosen = _SCENARIOS[name]
    length_h = chosen.hours if hours is None else hours
    length_s = np.inf if length_h is None else length_h * 3600.0
    schedule: Schedule
    if chosen.cycle_s is None:
        schedule = FiniteSchedule(seed, length_s, channels, chosen.planner)
    else:
        schedule = RepeatingSchedule(seed, chosen.cycle_s, channels, chosen.planner)
    wearer = _wearer(chosen, seed, length_s, channels=channels, rate_hz=rate_hz)
    return Simulation(wearer, schedule, hours=length_h)


def calibration_before(
    name: str, *, seed: int, hours: float | None = None, channels: int = 2, rate_hz: float = 1000.0
) -> SignalSource:
    """Return the calibration that the wearer of a scenario performs before it, with the same electrodes.

    Arguments and errors are those of `scenario`; `PHASES_S` states what is done when.
    """
    _check(name, seed=seed, hours=hours, channels=channels, rate_hz=rate_hz)
    chosen = _SCENARIOS[name]
    length_h = chosen.hours if hours is None else hours
    length_s = np.inf if length_h is None else length_h * 3600.0
    wearer = _wearer(chosen, seed, length_s, channels=channels, rate_hz=rate_hz)
    schedule = FiniteSchedule(seed, calibration.LENGTH_S, channels, calibration.plan_calibration)
    return Simulation(wearer, schedule, hours=calibration.LENGTH_S / 3600.0)


def _wearer(chosen: Scenario, seed: int, length_s: float, *, channels: int, rate_hz: float) -> Wearer:
    traits = chosen.traits(rng_for(seed, 7), length_s)
    traits = replace(traits, skin=replace(traits.skin, seed=seed))
    return draw_wearer(seed, traits, channels=channels, rate_hz=rate_hz)


def _check(name: str, *, seed: int, hours: float | None, channels: int, rate_hz: float) -> None:
    if name not in _SCENARIOS:
        raise ConfigurationError(f"There is no scenario {name!r}.", advice=f"Choose one of: {', '.join(_SCENARIOS)}.")
    if seed < 0:
        raise ConfigurationError(f"A seed of {seed} is negative.", advice="Give 0 or a larger whole number.")
    if hours is not None and not (isfinite(hours) and 0 < hours <= _LONGEST_H):
        raise ConfigurationError(
            f"{hours:g} hours cannot be simulated.", advice=f"Give more than 0 and at most {_LONGEST_H:g} hours."
        )
    if not 1 <= channels <= len(MUSCLES):
        raise ConfigurationError(
            f"{channels} channels cannot be simulated.", advice=f"Give 1 to {len(MUSCLES)} channels."
        )
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise ConfigurationError(
            f"A rate of {rate_hz:g} Hz cannot be simulated.",
            advice=f"Give {_RATES_HZ[0]:g} to {_RATES_HZ[1]:g} Hz.",
        )
