"""MQTT on the event loop, and the broker that is started when none is configured."""
