"""Settings on the page: alarms, sensor labels, and the report on this machine."""
