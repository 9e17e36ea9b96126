"""Scenarios with ground truth: who wears the sensor, what happens when, and the resulting signal."""

from crampwatch.firmware_sim.scenarios.calibration import PHASES_S
from crampwatch.firmware_sim.scenarios.catalogue import calibration_before, scenario, scenario_names

__all__ = ["PHASES_S", "calibration_before", "scenario", "scenario_names"]
