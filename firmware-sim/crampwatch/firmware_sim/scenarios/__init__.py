"""Named scenarios with truth: who wears the sensor, what happens when, and the signal that follows."""

from crampwatch.firmware_sim.scenarios.calibrating import PHASES_S
from crampwatch.firmware_sim.scenarios.catalogue import calibration_before, scenario, scenario_names

__all__ = ["PHASES_S", "calibration_before", "scenario", "scenario_names"]
