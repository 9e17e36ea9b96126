"""What the detector is configured with and what it emits. Pure."""
