"""The calibration exercise as the simulated foot performs it: rest, three toe curls, a moving ankle, rest."""

from dataclasses import replace
from typing import Final

import numpy as np
from crampwatch.firmware_sim.physiology.movement import Hold, Repositioning
from crampwatch.firmware_sim.physiology.randomness import log_uniform
from crampwatch.firmware_sim.scenarios.schedule import Plan

__all__ = ["LENGTH_S", "PHASES_S", "plan_calibration"]

PHASES_S: Final[dict[str, tuple[float, float]]] = {"rest": (2.0, 20.0), "curl": (20.0, 40.0), "ankle": (40.0, 60.0)}
"""Start and end of each phase, in seconds from the first sample."""

LENGTH_S: Final = 75.0
_CURL_S: Final = 3.5
_PAUSE_S: Final = 2.5


def plan_calibration(rng: np.random.Generator, plan: Plan) -> None:
    """Fill a plan with one calibration.

    People curl their toes with 60 to 100 % of their greatest effort, and all toe flexors contract, none of them fully.
    The ankle is turned and stretched, so that all muscles contract in turn and the skin moves.
    """
    start_s, stop_s = PHASES_S["curl"]
    curl = Hold(
        int(rng.integers(plan.channels)),
        _CURL_S,
        rng.uniform(0.6, 1.0),
        rise_s=rng.uniform(0.2, 0.5),
        label="toe_curl",
        synergy=(0.4, 1.0),
        unsteadiness=0.1,
    )
    onset_s = start_s + rng.uniform(0.4, 1.2)
    while onset_s + _CURL_S < stop_s - 1.0:
        plan.add(onset_s, replace(curl, effort=min(curl.effort * rng.uniform(0.85, 1.15), 1.0)))
        onset_s += _CURL_S + _PAUSE_S * rng.uniform(0.8, 1.2)
    start_s, stop_s = PHASES_S["ankle"]
    turning = Repositioning(
        stop_s - start_s - rng.uniform(2.0, 4.0),
        rng.uniform(0.4, 0.8),
        log_uniform(rng, 40.0, 600.0),
        label="ankle_movement",
    )
    plan.add(start_s + rng.uniform(0.4, 1.2), turning)
