"""Named scenarios with truth: who wears the sensor, what happens when, and the signal that follows."""

from crampwatch.firmware_sim.scenarios.catalogue import scenario, scenario_names

__all__ = ["scenario", "scenario_names"]
