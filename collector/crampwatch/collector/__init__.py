"""From sensors to the session file and MQTT: nothing lost, nothing invented, every sample in its place and time."""
