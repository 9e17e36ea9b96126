"""`crampwatch evaluate`: runs the detector over recordings with a known truth, scores it and writes a report."""
