"""The detector as a service: sample blocks from MQTT in, features, states, episodes and notices out."""
