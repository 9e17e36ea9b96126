"""Tells Home Assistant: one device a sensor, by MQTT discovery."""
