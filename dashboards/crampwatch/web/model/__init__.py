"""State of the alarms, and sensor labels. Pure."""
