"""Finds likely involuntary contractions in a stream of surface EMG: chunks in, events out, no I/O in the core."""
