"""Alarm state and sensor labels. Pure."""
