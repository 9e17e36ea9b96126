"""The settings view: alarms, sensor labels, the state of this machine."""
