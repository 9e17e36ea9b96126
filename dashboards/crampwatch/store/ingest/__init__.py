"""The store as a service: messages from the broker into an engine."""
