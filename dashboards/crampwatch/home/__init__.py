"""Publishes sensors to Home Assistant: one device for each sensor, by MQTT discovery."""
