"""The radio: scanning, connecting, and the sensor's characteristics through bleak."""
