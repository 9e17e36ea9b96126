"""Recorded sessions and recordings through the detector: found episodes, exports, and import into a database."""
