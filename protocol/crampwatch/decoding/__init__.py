"""From session records to samples in order and in time: device profiles, sensor clock, frame assembly. Pure.

The collector uses it while it records, the page and the final analysis on the session file.
"""
