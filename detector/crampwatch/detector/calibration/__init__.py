"""Personal calibration: the wearer's own amplitudes at rest and at the hardest effort. No I/O."""
