"""Recordings in files: reading what others recorded, and writing what is simulated or exported."""

from crampwatch.firmware_sim.recordings.annotation import Annotation
from crampwatch.firmware_sim.recordings.format import Format, ReadOptions
from crampwatch.firmware_sim.recordings.reading import FORMATS, read, register
from crampwatch.firmware_sim.recordings.recording import Recording, Temperature, describe_stream
from crampwatch.firmware_sim.recordings.simulated import simulated_recording
from crampwatch.firmware_sim.recordings.writing import annotations_path, truth_path, write, write_recording

__all__ = [
    "FORMATS",
    "Annotation",
    "Format",
    "ReadOptions",
    "Recording",
    "Temperature",
    "annotations_path",
    "describe_stream",
    "read",
    "register",
    "simulated_recording",
    "truth_path",
    "write",
    "write_recording",
]
