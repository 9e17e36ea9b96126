"""Recordings in files: reading what others recorded, and writing what is simulated or exported."""

from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.format import Format, ReadOptions
from crampwatch.recordings.reading import FORMATS, read, register
from crampwatch.recordings.recording import Recording, Temperature, describe_stream
from crampwatch.recordings.writing import annotations_path, truth_path, write

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
    "truth_path",
    "write",
]
