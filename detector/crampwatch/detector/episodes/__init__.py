"""From activity to episodes: tracking, evidence, classification, cramp odds. Pure."""
