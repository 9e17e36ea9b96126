"""MQTT: the client, the shell around every service, and the broker that is started if none is configured."""
